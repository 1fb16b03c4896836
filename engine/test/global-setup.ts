import { execFileSync } from 'node:child_process';

/** Engine tests drive the bundled engine: build it (and the native helper) once before them. */
export function setup(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', 'native', 'engine'], { stdio: 'inherit' });
}
