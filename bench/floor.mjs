// Builds and runs the bare C program: what the same kernel work costs without an engine.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('floor.c', import.meta.url));
const BRIDGE = 'gantryfloor0';

/** ms of every round of one container, by network; undefined where there is no compiler. */
export function measureFloor(scratch, network, rounds) {
  if (!existsSync('/usr/bin/cc')) return undefined;
  const home = path.join(scratch, 'floor');
  const program = path.join(home, 'floor');
  const lower = path.join(home, 'lower');
  if (!existsSync(program)) {
    mkdirSync(path.join(lower, 'bin'), { recursive: true });
    execFileSync('cc', ['-O2', '-static', '-o', program, SOURCE]);
    copyFileSync('/bin/busybox', path.join(lower, 'bin/true'));
  }
  const work = path.join(home, 'work');
  mkdirSync(work);
  if (network === 'bridge') execFileSync('ip', ['link', 'add', BRIDGE, 'up', 'type', 'bridge']);
  try {
    const { status, stdout, stderr } = spawnSync(program, [network, lower, work, BRIDGE, String(rounds)], {
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`floor: ${String(stderr)}`);
    return String(stdout)
      .trim()
      .split('\n')
      .map((microseconds) => Number(microseconds) / 1000);
  } finally {
    if (network === 'bridge') spawnSync('ip', ['link', 'del', BRIDGE]);
    rmSync(work, { recursive: true, force: true });
  }
}
