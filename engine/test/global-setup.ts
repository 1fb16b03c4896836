import { execFileSync } from 'node:child_process';

/** Engine tests drive the bundled engine and web server: build them (and the native helper) once before. */
export function setup(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', 'native', 'engine', 'electron'], { stdio: 'inherit' });
}
