import path from 'node:path';
import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { LogPlan } from '../runtime/plan.ts';
import type { ContainerRecord } from './record.ts';

const OPTIONS = [
  'max-size',
  'max-file',
  'labels',
  'labels-regex',
  'env',
  'env-regex',
  'tag',
  'mode',
  'compress',
];
/** Log drivers Docker has and Gantry not yet. */
const OTHER_DRIVERS = [
  'local',
  'syslog',
  'journald',
  'gelf',
  'fluentd',
  'awslogs',
  'splunk',
  'etwlogs',
  'gcplogs',
];

/** Units of Go's units.FromHumanSize, which are decimal. */
const UNITS: Record<string, number> = { '': 1, b: 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

export function logPathOf(directory: string, id: string): string {
  return path.join(directory, `${id}-json.log`);
}

/** What the shim does with the output; 400 for a driver or option that is unknown. */
export function toLogPlan(
  record: Pick<ContainerRecord, 'id' | 'name' | 'config' | 'hostConfig'>,
  directory: string,
): LogPlan {
  const driver = record.hostConfig.LogConfig?.Type ?? 'json-file';
  const options = record.hostConfig.LogConfig?.Config ?? {};
  if (driver === 'none') return { driver: 'none' };
  if (OTHER_DRIVERS.includes(driver)) throw notImplemented(`log driver "${driver}"`);
  if (driver !== 'json-file') throw invalidArgument(`logger: no log driver named '${driver}' is registered`);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw invalidArgument(`unknown log opt '${name}' for json-file log driver`);
  }
  const maxFiles = Number(options['max-file'] ?? 1);
  if (!Number.isInteger(maxFiles) || maxFiles < 1) throw invalidArgument('max-file cannot be less than 1');
  const maxBytes = parseSize(options['max-size']);
  return {
    driver: 'json-file',
    path: logPathOf(directory, record.id),
    maxBytes,
    maxFiles,
    attributes: attributesOf(record, options),
  };
}

function parseSize(text: string | undefined): number {
  if (text === undefined || text === '-1') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)b?$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  if (!match || unit === undefined) throw invalidArgument(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * unit);
}

function attributesOf(
  record: Pick<ContainerRecord, 'id' | 'name' | 'config'>,
  options: Record<string, string>,
): string {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(record.config.Labels ?? {})) {
    if (isChosen(name, options['labels'], options['labels-regex'])) attributes[name] = value;
  }
  for (const entry of record.config.Env ?? []) {
    const [name = '', ...value] = entry.split('=');
    if (isChosen(name, options['env'], options['env-regex'])) attributes[name] = value.join('=');
  }
  if (options['tag']) attributes['tag'] = expandTag(options['tag'], record);
  return Object.keys(attributes).length > 0 ? JSON.stringify(attributes) : '';
}

function isChosen(name: string, list: string | undefined, pattern: string | undefined): boolean {
  if (list?.split(',').includes(name)) return true;
  return pattern ? toPattern(pattern).test(name) : false;
}

function toPattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw invalidArgument(`invalid regular expression: ${pattern}`, { cause });
  }
}

function expandTag(
  tag: string,
  { id, name, config }: Pick<ContainerRecord, 'id' | 'name' | 'config'>,
): string {
  const values: Record<string, string> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageName: config.Image ?? '',
  };
  return tag.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_all, field: string) => values[field] ?? '');
}
