import type { Path, Report } from './diagnostics.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Replaces variables in every string *value* of a document (compose-spec 12-interpolation): `$VAR`, `${VAR}`,
 * `${VAR:-default}`, `${VAR-default}`, `${VAR:?error}`, `${VAR?error}`, `${VAR:+replacement}`, `${VAR+replacement}`,
 * `$$`. An unset variable is a warning and empty.
 */
export function interpolateTree(
  value: unknown,
  variables: Variables,
  report: Report,
  path: Path = [],
): unknown {
  if (typeof value === 'string') {
    const unset = (name: string) =>
      report.warning(path, `the variable ${name} is not set, an empty text takes its place`);
    try {
      return interpolate(value, variables, unset);
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      report.error(path, error.message);
      return value;
    }
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => interpolateTree(item, variables, report, [...path, index]));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      interpolateTree(item, variables, report, [...path, key]),
    ]);
    return Object.fromEntries(entries);
  }
  return value;
}

export class InterpolationError extends Error {}

/** One text; `onUnset` hears of variables that are neither set nor defaulted. */
export function interpolate(text: string, variables: Variables, onUnset: (name: string) => void): string {
  let result = '';
  let offset = 0;
  for (;;) {
    const dollar = text.indexOf('$', offset);
    if (dollar === -1) return result + text.slice(offset);
    result += text.slice(offset, dollar);
    const reference = readReference(text, dollar);
    result += resolve(reference, variables, onUnset);
    offset = reference.end;
  }
}

interface Reference {
  /** undefined: `$$`. */
  name: string | undefined;
  operator: string;
  operand: string;
  end: number;
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-?+]/y;

function readReference(text: string, dollar: number): Reference {
  const after = dollar + 1;
  if (text[after] === '$') return { name: undefined, operator: '', operand: '', end: after + 1 };
  const braced = text[after] === '{';
  const name = matchAt(NAME, text, braced ? after + 1 : after);
  if (!name) throw invalidFormat(text);
  if (!braced) return { name, operator: '', operand: '', end: after + name.length };
  const operatorAt = after + 1 + name.length;
  const operator = matchAt(OPERATOR, text, operatorAt) ?? '';
  const close = closingBrace(text, operatorAt + operator.length);
  const operand = text.slice(operatorAt + operator.length, close);
  if (operator === '' && operand !== '') throw invalidFormat(text);
  return { name, operator, operand, end: close + 1 };
}

/** Braces nest: `${A:-${B:-c}}`. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === '$' && text[index + 1] === '{') depth += 1;
    if (text[index] === '}') depth -= 1;
    if (depth === 0) return index;
  }
  throw invalidFormat(text);
}

function resolve(reference: Reference, variables: Variables, onUnset: (name: string) => void): string {
  const { name, operator, operand } = reference;
  if (name === undefined) return '$';
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  // With a colon an empty variable counts as unset.
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  const expandOperand = () => interpolate(operand, variables, onUnset);
  switch (operator.replace(':', '')) {
    case '-':
      return isSet ? value : expandOperand();
    case '+':
      return isSet ? expandOperand() : '';
    case '?':
      if (isSet) return value;
      throw new InterpolationError(`required variable ${name} is missing a value: ${expandOperand()}`);
    default:
      if (value === undefined) onUnset(name);
      return value ?? '';
  }
}

function matchAt(expression: RegExp, text: string, index: number): string | undefined {
  expression.lastIndex = index;
  return expression.exec(text)?.[0];
}

function invalidFormat(text: string): InterpolationError {
  return new InterpolationError(
    `invalid interpolation in ${JSON.stringify(text)}: write $$ for a plain $, ` +
      'or ${NAME} for a variable',
  );
}

/** `KEY=value` lines of an `.env` file: comments, `export `, and single or double quotes. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const entries: [string, string][] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match) entries.push([match[1]!, unquote(match[2]!)]);
  }
  return Object.fromEntries(entries);
}

function unquote(text: string): string {
  const quoted = /^(['"])(.*)\1(?:\s+#.*)?$/.exec(text);
  if (!quoted) return text.replace(/(?:^|\s+)#.*$/, '');
  if (quoted[1] === "'") return quoted[2]!;
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return quoted[2]!.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}
