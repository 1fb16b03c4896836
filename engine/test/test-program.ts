import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../../build/test', import.meta.url));

/** `engine/test/NAME.c` as a static program that runs in any image; compiled when it is not, or has changed. */
export function testProgram(name: string): string {
  const [source, program] = [path.join(SOURCES, `${name}.c`), path.join(OUTPUT, name)];
  const isFresh = existsSync(program) && statSync(program).mtimeMs >= statSync(source).mtimeMs;
  if (isFresh || process.env['GANTRY_TEST_PREBUILT']) return program;
  mkdirSync(OUTPUT, { recursive: true });
  execFileSync('cc', ['-O1', '-static', '-pthread', '-o', `${program}.tmp`, source]);
  renameSync(`${program}.tmp`, program);
  return program;
}
