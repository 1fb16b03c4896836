import { readFileSync } from 'node:fs';

/** A zombie is dead: when its parent collects it is not ours to say. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
