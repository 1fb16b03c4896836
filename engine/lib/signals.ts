import { constants } from 'node:os';
import { invalidArgument } from './errors.ts';

const RT_MIN = 34;
const RT_MAX = 64;

/** `SIGTERM`, `term`, `15`, `RTMIN+3` → number; 400 `invalid signal: x`. Source: docker kill reference. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) throw invalidArgument(`invalid signal: ${text}`);
    if (number <= RT_MAX) return number;
    throw invalidArgument(`the linux daemon does not support signal ${number}`);
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (constants.signals as Record<string, number>)[`SIG${name}`];
  if (known !== undefined) return known;
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realtime) {
    const base = realtime[1] === 'MIN' ? RT_MIN : RT_MAX;
    const number = base + Number(`${realtime[2] ?? '+'}${realtime[3] ?? '0'}`);
    if (number >= RT_MIN && number <= RT_MAX) return number;
  }
  throw invalidArgument(`invalid signal: ${text}`);
}

export const SIGKILL = constants.signals.SIGKILL;
export const SIGTERM = constants.signals.SIGTERM;
