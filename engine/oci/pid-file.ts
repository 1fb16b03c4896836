import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Whole or not there: callers wait for it to appear. */
export function writePidFile(file: string | undefined, pid: number): void {
  if (file === undefined) return;
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}`);
  writeFileSync(temporary, String(pid), { mode: 0o644 });
  renameSync(temporary, file);
}
