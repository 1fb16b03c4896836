import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Engine tests drive the bundled engine and web server: build them (and what they run) once before. */
export function setup(): void {
  // In the virtual machine, which has no compiler.
  if (process.env['GANTRY_TEST_PREBUILT']) return;
  const starter = existsSync('build/starter/busybox.tar') ? [] : ['starter'];
  const targets = ['native', 'engine', 'electron', ...starter];
  execFileSync(process.execPath, ['scripts/build.mjs', ...targets], { stdio: 'inherit' });
}
