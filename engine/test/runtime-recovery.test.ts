import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from './processes.ts';
import {
  OUTPUT,
  EVERYTHING,
  SIGKILL,
  sh,
  run,
  startIdle,
  stop,
  execute,
  hasCgroup,
  shimPid,
} from './runtime-driver.ts';
import { createRuntimeFixture, readAll, readFrames } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

const CAP_SYS_RESOURCE = 24n;

let fixture: RuntimeFixture;

beforeAll(async () => {
  fixture = await createRuntimeFixture();
});

afterAll(async () => {
  await fixture.dispose();
});

describe('the runtime', () => {
  it('finds a running container again and learns its exit', async () => {
    const { shim, plan } = await startIdle(fixture);
    shim.disconnect();
    const other = fixture.newRuntime();
    const found = await other.reconnect(plan.id);
    if (typeof found !== 'object' || !('shim' in found)) throw new Error('not found');
    expect(found.shim.pid).toBe(shim.pid);
    expect((await execute(found.shim, ['echo', 'again'])).stdout).toBe('again\n');
    await found.shim.kill(SIGKILL);
    await expect(found.shim.exited).resolves.toMatchObject({ exitCode: 137 });
  });

  it('finds the record of a container that ended unseen', async () => {
    const plan = await fixture.plan(sh('read x; exit 6'), { process: { openStdin: true, stdinOnce: true } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    shim.disconnect();
    stream.end('go\n');
    await readAll(stream);
    await expect(fixture.newRuntime().reconnect(plan.id)).resolves.toMatchObject({
      exit: { exitCode: 6, signal: 0 },
    });
    await fixture.runtime.cleanUp(plan.id, plan.cgroup.directories);
    await expect(fixture.runtime.reconnect(plan.id)).resolves.toBeUndefined();
  });

  it('survives the death of its zygote, and so do containers', async () => {
    const { shim, plan } = await startIdle(fixture);
    const [zygote] = zygotesOf(process.pid);
    if (zygote === undefined) throw new Error('no zygote');
    process.kill(zygote, 'SIGKILL');
    const after = await runUntilZygoteIsBack();
    expect(after.stdout).toBe('back\n');
    expect((await execute(shim, ['echo', 'alive'])).stdout).toBe('alive\n');
    expect(hasCgroup(plan)).toBe(true);
    await stop(shim);
  });

  it('is not ended by the signals that end a session or a service', async () => {
    const { shim, plan } = await startIdle(fixture);
    const supervisor = shimPid(plan);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(supervisor, signal);
    // Lowering it takes CAP_SYS_RESOURCE, which a machine inside a sandbox may not have.
    const ordinary = readFileSync('/proc/self/oom_score_adj', 'utf8');
    const expected = hasCapability(CAP_SYS_RESOURCE) ? '-999\n' : ordinary;
    expect(readFileSync(`/proc/${supervisor}/oom_score_adj`, 'utf8')).toBe(expected);
    expect(readFileSync(`/proc/${shim.pid}/oom_score_adj`, 'utf8')).toBe(ordinary);
    expect((await execute(shim, sh('cat /proc/self/oom_score_adj'))).stdout).toBe(ordinary);
    await stop(shim);
  });

  it('runs from memory that nobody can write', async () => {
    const { shim, plan } = await startIdle(fixture);
    const executable = `/proc/${shimPid(plan)}/exe`;
    expect(readlinkSync(executable)).toContain('memfd:gantry-shim');
    await expect(open(executable, 'r+')).rejects.toMatchObject({ code: 'ETXTBSY' });
    const sealed = await open(executable, 'r');
    await sealed.close();
    await stop(shim);
  });

  it('cleans up after a shim that was killed', async () => {
    const { shim, plan } = await startIdle(fixture);
    process.kill(shimPid(plan), 'SIGKILL');
    await expect(shim.exited).resolves.toBeUndefined();
    await fixture.runtime.cleanUp(plan.id, plan.cgroup.directories);
    expect(hasCgroup(plan)).toBe(false);
    expect(existsSync(plan.runDirectory)).toBe(false);
    await expect.poll(() => isAlive(shim.pid)).toBe(false);
  });

  it("removes cgroups that the container made inside its own, and no neighbour's", async () => {
    const ended = await startIdle(fixture);
    const killed = await startIdle(fixture);
    const neighbour = await startIdle(fixture);
    for (const { plan } of [ended, killed])
      for (const directory of plan.cgroup.join.map((file) => path.dirname(file)))
        await mkdir(path.join(directory, 'a', 'b'), { recursive: true });
    await stop(ended.shim);
    expect(hasCgroup(ended.plan)).toBe(false);
    process.kill(shimPid(killed.plan), 'SIGKILL');
    await expect(killed.shim.exited).resolves.toBeUndefined();
    await fixture.runtime.cleanUp(killed.plan.id, killed.plan.cgroup.directories);
    expect(hasCgroup(killed.plan)).toBe(false);
    expect((await execute(neighbour.shim, ['echo', 'alive'])).stdout).toBe('alive\n');
    await stop(neighbour.shim);
  });

  it('works below directories deeper than a socket address', async () => {
    const deep = await createRuntimeFixture(5);
    try {
      const plan = await deep.plan(['echo', 'deep']);
      expect(plan.runDirectory.length).toBeGreaterThan(200);
      const shim = await deep.runtime.create(plan);
      const output = readFrames(await shim.attach(OUTPUT));
      await shim.start();
      expect((await output).stdout).toBe('deep\n');
      await shim.exited;
    } finally {
      await deep.dispose();
    }
  });

  it('runs subcommands in the zygote and passes on why one failed', async () => {
    await expect(fixture.runtime.runTask(['no-such-command'])).rejects.toThrow(/usage: gantry-shim/);
    const layers = Array.from({ length: 120 }, () => '/no/such/layer');
    await expect(
      fixture.runtime.runTask(['copy-up', '/etc', fixture.directory, ...layers]),
    ).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.not.stringContaining('ENOENT') as string,
    });
  });

  it('leaves no shim behind', async () => {
    await expect.poll(() => shimsBelow(fixture.directory)).toEqual([]);
  });
});

/** A request that meets the dying zygote is rejected; the next one starts another. */
async function runUntilZygoteIsBack(): Promise<{ stdout: string }> {
  try {
    return await run(fixture, ['echo', 'back']);
  } catch {
    return run(fixture, ['echo', 'back']);
  }
}

function hasCapability(capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

function zygotesOf(parent: number): number[] {
  return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent)])
    .toString()
    .split('\n')
    .filter((line) => line.includes('zygote'))
    .map((line) => Number.parseInt(line, 10));
}

/** Shims whose open files lie below a directory. */
function shimsBelow(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return execFileSync('ls', ['-l', `/proc/${pid}/fd`], { stdio: ['ignore', 'pipe', 'ignore'] })
          .toString()
          .includes(`${directory}/run`);
      } catch {
        return false;
      }
    })
    .filter((pid) => Number(pid) !== process.pid);
}
