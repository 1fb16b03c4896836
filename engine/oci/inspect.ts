import { execFileSync } from 'node:child_process';
import { invalidArgument } from '../lib/errors.ts';
import { listStates, loadState, stateView, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { onlyId, parseFlags } from './flags.ts';

export function state(context: OciContext, argv: readonly string[]): number {
  const found = loadState(context.root, onlyId(parseFlags(argv, {}).rest));
  context.print(`${JSON.stringify(stateView(found, statusOf(context.root, found)), undefined, 2)}\n`);
  return 0;
}

export function list(context: OciContext, argv: readonly string[]): number {
  const { flags } = parseFlags(argv, { format: 'text', quiet: 'switch' }, { f: 'format', q: 'quiet' });
  const found = listStates(context.root).map((one) => ({ one, status: statusOf(context.root, one) }));
  if (flags.isSet('quiet')) {
    context.print(found.map(({ one }) => `${one.id}\n`).join(''));
  } else if (flags.text('format') === 'json') {
    context.print(`${JSON.stringify(found.map(({ one, status }) => stateView(one, status)))}\n`);
  } else {
    const rows = found.map(({ one, status }) => [one.id, String(one.pid), status, one.bundle, one.created]);
    context.print(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED'], ...rows]));
  }
  return 0;
}

/** `ps [--format json|table] ID [ps OPTION…]` */
export async function ps(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, { format: 'text' }, { f: 'format' });
  const [id = '', ...options] = rest;
  const found = loadState(context.root, id);
  const pids = await context
    .cgroups()
    .processes(found.cgroup.id, found.cgroup.parent, found.pid)
    .catch((): number[] => []);
  if (flags.text('format') === 'json') {
    context.print(`${JSON.stringify(pids)}\n`);
    return 0;
  }
  const [head = '', ...lines] = execFileSync('ps', options.length > 0 ? options : ['-ef'], {
    encoding: 'utf8',
  }).split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw invalidArgument("Couldn't find PID field in ps output");
  const own = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  context.print([head, ...own, ''].join('\n'));
  return 0;
}

function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
      .join('')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
