import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OUTPUT, EVERYTHING, sh, run, startIdle, stop, execute } from './runtime-driver.ts';
import { createRuntimeFixture, execPlan, readAll, readFrames, readUntil } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;

beforeAll(async () => {
  fixture = await createRuntimeFixture();
});

afterAll(async () => {
  await fixture.dispose();
});

describe('standard streams', () => {
  it('carry stdin to its end and back', async () => {
    const plan = await fixture.plan(['cat'], { process: { openStdin: true, stdinOnce: true } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    const sent = randomBytes(300_000).toString('hex');
    stream.end(sent);
    const { stdout } = await readFrames(stream);
    expect(stdout === sent).toBe(true);
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('stay open when a client leaves and stdin is not once only', async () => {
    const plan = await fixture.plan(['cat'], { process: { openStdin: true } });
    const shim = await fixture.runtime.create(plan);
    await shim.start();
    const first = await shim.attach(EVERYTHING);
    first.write('one\n');
    await readUntil(first, 'one');
    first.end();
    const second = await shim.attach(EVERYTHING);
    second.write('two\n');
    expect(await readUntil(second, 'two')).not.toContain('one');
    await stop(shim);
  });

  it("are a terminal of the container's own devpts that can be resized", async () => {
    const plan = await fixture.plan(
      sh('tty; ls -l /dev/console | head -c 1; stty size; read line; stty size; echo "$line"'),
      {
        process: { tty: true, openStdin: true, stdinOnce: true, rows: 24, columns: 80 },
      },
    );
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    const before = await readUntil(stream, '24 80');
    expect(before).toContain('/dev/pts/0\r\nc24 80');
    await shim.resize(50, 132);
    stream.write('typed\n');
    const after = (await readAll(stream)).toString();
    expect(after).toContain('50 132\r\ntyped');
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('wait for a slow client without losing a byte', async () => {
    const plan = await fixture.plan(sh('head -c 8000000 /dev/zero; echo end >&2'), {
      log: { format: 'none' },
    });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    // The exit can be told only when all but a client's buffer was taken.
    const first = await Promise.race([
      shim.exited.then(() => 'exit'),
      new Promise((resolve) => stream.once('readable', () => resolve('data'))),
    ]);
    expect(first).toBe('data');
    const { stdout, stderr } = await readFrames(stream);
    expect(stdout.length).toBe(8_000_000);
    expect(stderr).toBe('end\n');
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('do not stop when a client disappears', async () => {
    const plan = await fixture.plan(sh('head -c 8000000 /dev/zero; exit 4'), { log: { format: 'none' } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    stream.destroy();
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 4 });
  });

  it('are logged with rotation', async () => {
    const base = await fixture.plan([]);
    if (base.log.format === 'none') throw new Error('unexpected format');
    const log = { ...base.log, maxBytes: 4096, maxFiles: 3 };
    await run(fixture, sh('seq 1 500'), { log });
    const lines = [`${log.path}.2`, `${log.path}.1`, log.path].flatMap((file) =>
      readFileSync(file, 'utf8').split('\n').filter(Boolean),
    );
    const numbers = lines.map((line) => Number((JSON.parse(line) as { log: string }).log));
    expect(numbers.at(-1)).toBe(500);
    expect(numbers).toEqual(
      Array.from({ length: numbers.length }, (_, index) => 500 - numbers.length + 1 + index),
    );
    expect(existsSync(`${log.path}.3`)).toBe(false);
  });
});

describe('an exec', () => {
  it('runs beside PID 1 in the same namespaces and cgroup', async () => {
    const { shim, plan } = await startIdle(fixture);
    const result = await execute(
      shim,
      sh('echo out; echo err >&2; hostname; ps | wc -l; cat /proc/self/cgroup; exit 9'),
    );
    expect(result.code).toBe(9);
    expect(result.stderr).toBe('err\n');
    expect(result.stdout).toContain(`out\n${plan.hostname}\n`);
    expect(result.stdout).toMatch(/^\d+:(pids)?:\/$/m);
    await stop(shim);
  });

  it('takes stdin, a terminal, a user and a working directory', async () => {
    const { shim } = await startIdle(fixture);
    const cat = await shim.exec(execPlan(['cat'], { openStdin: true, stdinOnce: true }), {
      ...EVERYTHING,
      detach: false,
    });
    cat.stdio?.end('through');
    if (!cat.stdio) throw new Error('no stdio');
    expect((await readFrames(cat.stdio)).stdout).toBe('through');
    expect(await cat.exited).toBe(0);
    const tty = await shim.exec(
      execPlan(sh('tty; stty size; id -un; pwd; read x; stty size'), {
        tty: true,
        openStdin: true,
        rows: 10,
        columns: 20,
        user: 'alice',
        cwd: '/tmp',
      }),
      { ...EVERYTHING, detach: false },
    );
    if (!tty.stdio) throw new Error('no stdio');
    expect(await readUntil(tty.stdio, '/tmp\r\n')).toBe('/dev/pts/0\r\n10 20\r\nalice\r\n/tmp\r\n');
    await tty.resize(11, 22);
    tty.stdio.write('\n');
    expect((await readAll(tty.stdio)).toString()).toContain('11 22');
    expect(await tty.exited).toBe(0);
    await stop(shim);
  });

  it('explains what it cannot run and leaves the container alone', async () => {
    const { shim } = await startIdle(fixture);
    await expect(shim.exec(execPlan(['nope']), { ...OUTPUT, detach: false })).rejects.toMatchObject({
      failure: {
        stage: 'exec',
        errno: 'ENOENT',
        message: 'exec: "nope": executable file not found in $PATH',
      },
    });
    await expect(execute(shim, ['true'], { user: 'bob' })).rejects.toMatchObject({
      failure: { stage: 'user', message: 'unable to find user bob: no matching entries in passwd file' },
    });
    expect((await execute(shim, ['echo', 'fine'])).stdout).toBe('fine\n');
    await stop(shim);
  });

  it('before the start is refused, and harms nobody', async () => {
    const plan = await fixture.plan(sh('echo started'));
    const shim = await fixture.runtime.create(plan);
    const early = shim.exec(execPlan(['true']), { ...OUTPUT, detach: false });
    await expect(early).rejects.toThrow('is not running');
    const output = readFrames(await shim.attach(OUTPUT));
    await shim.start();
    expect((await output).stdout).toBe('started\n');
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('can be detached, and several run at once', async () => {
    const { shim } = await startIdle(fixture);
    const detached = await shim.exec(execPlan(sh('exit 5')), { ...OUTPUT, detach: true });
    expect(detached.stdio).toBeUndefined();
    expect(await detached.exited).toBe(5);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => execute(shim, sh(`echo ${index}; exit ${index}`))),
    );
    results.forEach((result, index) =>
      expect(result).toEqual({ stdout: `${index}\n`, stderr: '', code: index }),
    );
    await stop(shim);
  });

  it('ends with its container', async () => {
    const { shim } = await startIdle(fixture);
    const exec = await shim.exec(execPlan(['sleep', '1000']), { ...OUTPUT, detach: false });
    await stop(shim);
    expect(await exec.exited).toBe(137);
  });
});
