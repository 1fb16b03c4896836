import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { testProgram } from '../test-program.ts';
import { REPOSITORY } from './initramfs.ts';
import { runInVirtualMachine, virtualMachineMissing } from './virtual-machine.ts';

/**
 * The suites that touch cgroups, on a kernel that has v2 alone, and those of what few kernels of containers have: NFS,
 * SCTP, project quotas, IPsec. Ten minutes: the processor is emulated.
 */
const SUITES = [
  'engine/test/cgroups.test.ts',
  'engine/test/limits.test.ts',
  'engine/test/fields.test.ts',
  'engine/test/update.test.ts',
  'engine/test/storage-size.test.ts',
  'engine/test/nfs-volumes.test.ts',
  'engine/test/sctp.test.ts',
  'engine/test/overlay-encryption.test.ts',
  'engine/test/user-namespaces.test.ts',
  'engine/test/runtime.test.ts',
  'engine/test/runtime-recovery.test.ts',
  'engine/test/runtime-streams.test.ts',
  'engine/test/recovery.test.ts',
  'engine/test/containers.test.ts',
  'engine/test/exec-attach.test.ts',
  'engine/test/rootless.test.ts',
  'engine/test/rootless-cgroups.test.ts',
];
const PROGRAMS = ['syscall-probe', 'sctp-peer'];
const GUEST = fileURLToPath(new URL('./guest-suites.mjs', import.meta.url));
const TIMEOUT_MS = 45 * 60_000;

interface Result {
  file: string;
  /** Absent when the whole file failed. */
  name?: string;
  status?: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo';
  failureMessages?: string[];
  error?: string;
}

const missing = virtualMachineMissing();
if (missing !== undefined) console.log(`the suites in a virtual machine are skipped: ${missing}`);

describe.skipIf(missing !== undefined)('on cgroup v2', () => {
  const results: Result[] = [];
  /** GANTRY_VM_SUITES: only these, separated by spaces. */
  const suites = process.env['GANTRY_VM_SUITES']?.split(' ') ?? SUITES;

  beforeAll(async () => {
    const directory = path.join(REPOSITORY, 'build/test');
    mkdirSync(directory, { recursive: true });
    for (const name of PROGRAMS) testProgram(name);
    writeFileSync(path.join(directory, 'suites.json'), JSON.stringify({ project: 'engine', files: suites }));
    const output = await runInVirtualMachine({
      guest: GUEST,
      equipment: 'suites',
      memoryMb: 4096,
      timeoutMs: TIMEOUT_MS,
      onOutput: (text) => process.stdout.write(text.replaceAll(/^RESULT .*\n/gm, '')),
    });
    for (const [, text = ''] of output.matchAll(/RESULT (\{.*\})$/gm))
      results.push(JSON.parse(text) as Result);
  }, TIMEOUT_MS + 60_000);

  test.each(suites)('%s passes', (file) => {
    const own = results.filter((result) => result.file === file);
    const failed = own.filter(({ status }) => status === undefined || status === 'failed');
    expect(failed.map(({ name, error, failureMessages }) => [name, error ?? failureMessages])).toEqual([]);
    expect(own.filter(({ status }) => status === 'passed').length).toBeGreaterThan(0);
  });
});
