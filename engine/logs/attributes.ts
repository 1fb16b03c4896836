import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { LogSource } from './driver.ts';
import { expandTag } from './tag.ts';

/** What `labels`, `labels-regex`, `env` and `env-regex` choose; `rename` makes a key that the receiver takes. */
export function extraAttributes(
  { options, labels, env }: LogSource,
  rename: (name: string) => string = (name) => name,
): Record<string, string> {
  const attributes: Record<string, string> = {};
  const choose = (pairs: [string, string][], list = '', pattern = ''): void => {
    const expression = pattern === '' ? undefined : toPattern(pattern);
    const names = new Set(list.split(','));
    for (const [name, value] of pairs) {
      if (names.has(name) || expression?.test(name)) attributes[rename(name)] = value;
    }
  };
  choose(Object.entries(labels), options['labels'], options['labels-regex']);
  const variables = env.filter((entry) => entry.includes('='));
  choose(variables.map(splitVariable), options['env'], options['env-regex']);
  return attributes;
}

/** With the tag where the user gave one, as json-file and local keep it. */
export function attributesWithTag(source: LogSource): Record<string, string> {
  const attributes = extraAttributes(source);
  const tag = source.options['tag'] ? expandTag(source.options['tag'], source) : '';
  return tag === '' ? attributes : { ...attributes, tag };
}

function splitVariable(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return [entry.slice(0, equals), entry.slice(equals + 1)];
}

function toPattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (cause) {
    throw invalidArgument(`error parsing regexp: ${messageOf(cause)}`, { cause });
  }
}
