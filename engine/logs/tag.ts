import { hostname } from 'node:os';
import { invalidArgument } from '../lib/errors.ts';
import type { LogSource } from './driver.ts';

/** The tag of remote drivers where the user gave none. */
export const DEFAULT_TAG = '{{.ID}}';

const SHORT_ID_LENGTH = 12;

type Value = string | number | Readonly<Record<string, string>> | readonly string[];

/** Fields and methods of Docker's logger.Info that a template may name. */
const FIELDS: Record<string, (source: LogSource) => Value> = {
  ID: ({ id }) => id.slice(0, SHORT_ID_LENGTH),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  Command: ({ command }) => command.join(' '),
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, '').slice(0, SHORT_ID_LENGTH),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Hostname: () => hostname(),
  DaemonName: () => 'docker',
  ContainerID: ({ id }) => id,
  ContainerName: ({ name }) => `/${name}`,
  ContainerEntrypoint: ({ command }) => command[0] ?? '',
  ContainerArgs: ({ command }) => command.slice(1),
  ContainerImageID: ({ imageId }) => imageId,
  ContainerImageName: ({ imageName }) => imageName,
  ContainerCreated: ({ createdAt }) => createdAt,
  ContainerLabels: ({ labels }) => labels,
  ContainerEnv: ({ env }) => env,
};

/** Docker's template functions; the value that a pipe brings comes last. */
const FUNCTIONS: Record<string, (...values: Value[]) => Value> = {
  lower: (text) => print(text).toLowerCase(),
  upper: (text) => print(text).toUpperCase(),
  title: (text) => print(text).replace(/(^|\s)\S/g, (first) => first.toUpperCase()),
  json: (value) => JSON.stringify(value),
  join: (list, separator) => toList(list).join(print(separator)),
  split: (text, separator) => print(text).split(print(separator)),
  truncate: (text, length) => print(text).slice(0, Number(length)),
  pad: (text, before, after) =>
    print(text) === '' ? '' : `${' '.repeat(Number(before))}${print(text)}${' '.repeat(Number(after))}`,
  index: (container, key) => at(container, key),
  print: (...values) => values.map(print).join(''),
};

/** Literal text and actions `{{.Field}}`, `{{function argument…}}`, `{{a | b}}`; 400 for what is none of these. */
export function expandTag(template: string, source: LogSource): string {
  const parts = template.split(/\{\{(-\s)?((?:"(?:[^"\\]|\\.)*"|[^"}])*)\}\}/);
  let text = '';
  for (let index = 0; index < parts.length; index += 3) {
    const literal = parts[index] ?? '';
    if (/\{\{|\}\}/.test(literal)) throw wrong(template, 'unclosed action');
    const action = parts[index + 2];
    const trimsNext = parts[index - 1]?.endsWith(' -') === true;
    const before = parts[index + 1] === undefined ? literal : literal.trimEnd();
    text += trimsNext ? before.trimStart() : before;
    if (action !== undefined) text += print(evaluate(action.replace(/\s-$/, ''), source, template));
  }
  return text;
}

function evaluate(action: string, source: LogSource, template: string): Value {
  let piped: Value | undefined;
  for (const command of action.split(/\|(?=(?:[^"]*"[^"]*")*[^"]*$)/)) {
    const words = command.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g);
    if (!words) throw wrong(template, 'missing value for command');
    const [head = '', ...rest] = words;
    const operands = rest.map((word) => operand(word, source, template));
    if (piped !== undefined) operands.push(piped);
    const call = FUNCTIONS[head];
    if (call) piped = call(...operands);
    else if (operands.length > 0 && head.startsWith('.'))
      throw wrong(template, `can't give argument to non-function ${head}`);
    else piped = operand(head, source, template);
  }
  return piped ?? '';
}

function operand(word: string, source: LogSource, template: string): Value {
  if (word.startsWith('"')) return JSON.parse(word) as string;
  if (/^\d+$/.test(word)) return Number(word);
  const name = /^\.(\w+)$/.exec(word)?.[1];
  if (name === undefined) throw wrong(template, `function ${JSON.stringify(word)} not defined`);
  const field = FIELDS[name];
  if (field) return field(source);
  const reason = `executing "log-tag" at <${word}>: can't evaluate field ${name} in type *logger.Info`;
  throw invalidArgument(`template: log-tag:1:${template.indexOf(word) + 1}: ${reason}`);
}

function wrong(template: string, reason: string): Error {
  return invalidArgument(`template: log-tag:1: ${reason} in ${JSON.stringify(template)}`);
}

function at(container: Value | undefined, key: Value | undefined): string {
  if (typeof container !== 'object') return '';
  return (container as Readonly<Record<string, string>>)[print(key)] ?? '';
}

function toList(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [print(value)];
}

/** As Go prints: lists in brackets, maps with sorted keys. */
function print(value: Value | undefined): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return `[${value.join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `map[${pairs.map(([key, item]) => `${key}:${item}`).join(' ')}]`;
}
