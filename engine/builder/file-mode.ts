import { invalidArgument } from '../lib/errors.ts';

/** `--chmod`: bits to set, or changes one after the other as chmod(1) takes them. */
export type ModeChange = { kind: 'octal'; mode: number } | { kind: 'symbolic'; clauses: Clause[] };

interface Clause {
  /** Mask over user, group and other. */
  who: number;
  operator: '+' | '-' | '=';
  /** Letters of `rwxXst`. */
  permissions: string;
}

/** `755`, `u=rwX,go=rX`. Throws invalid-argument. */
export function parseModeChange(text: string): ModeChange {
  if (/^0*[0-7]{1,4}$/.test(text)) return { kind: 'octal', mode: Number.parseInt(text, 8) };
  const clauses = text.split(',').map((part): Clause => {
    const [, who = '', operator = '', permissions = ''] = /^([ugoa]*)([+\-=])([rwxXst]*)$/.exec(part) ?? [];
    if (operator === '')
      throw invalidArgument(
        `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
      );
    return { who: maskOf(who), operator: operator as Clause['operator'], permissions };
  });
  return { kind: 'symbolic', clauses };
}

export function changeMode(change: ModeChange, mode: number, isDirectory: boolean): number {
  if (change.kind === 'octal') return change.mode;
  return change.clauses.reduce((current, { who, operator, permissions }) => {
    const bits = bitsOf(permissions, who, isDirectory || (current & 0o111) !== 0);
    if (operator === '+') return current | bits;
    if (operator === '-') return current & ~bits;
    return (current & ~who) | bits;
  }, mode);
}

function maskOf(who: string): number {
  if (who === '' || who.includes('a')) return 0o777;
  return (who.includes('u') ? 0o700 : 0) | (who.includes('g') ? 0o070 : 0) | (who.includes('o') ? 0o007 : 0);
}

function bitsOf(permissions: string, who: number, executable: boolean): number {
  let bits = 0;
  if (permissions.includes('r')) bits |= 0o444 & who;
  if (permissions.includes('w')) bits |= 0o222 & who;
  if (permissions.includes('x') || (permissions.includes('X') && executable)) bits |= 0o111 & who;
  if (permissions.includes('s')) bits |= (who & 0o700 ? 0o4000 : 0) | (who & 0o070 ? 0o2000 : 0);
  if (permissions.includes('t')) bits |= 0o1000;
  return bits;
}
