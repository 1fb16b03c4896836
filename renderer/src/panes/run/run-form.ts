import type { RunRequest } from '../../../../electron/api/types.ts';
import { parseMemory } from '../../format/bytes.ts';
import { splitWords } from '../../format/shell-words.ts';

interface PortRow {
  key: number;
  /** `8080`, `127.0.0.1:8080`, or empty for a free port. */
  host: string;
  container: string;
  protocol: 'tcp' | 'udp';
}
interface VariableRow {
  key: number;
  name: string;
  value: string;
}
export interface MountRow {
  key: number;
  type: 'bind' | 'volume' | 'tmpfs';
  source: string;
  target: string;
  readonly: boolean;
}

/** What the fields of the Run dialog hold: text as typed. */
export interface RunForm {
  image: string;
  name: string;
  command: string;
  entrypoint: string;
  ports: PortRow[];
  variables: VariableRow[];
  mounts: MountRow[];
  network: string;
  hostname: string;
  user: string;
  workingDirectory: string;
  memory: string;
  cpus: string;
  pids: string;
  restartPolicy: RunRequest['restartPolicy'];
  restartRetries: string;
  tty: boolean;
  openStdin: boolean;
  autoRemove: boolean;
  privileged: boolean;
  readonlyRootfs: boolean;
}

export function emptyRunForm(image: string): RunForm {
  return {
    image,
    name: '',
    command: '',
    entrypoint: '',
    ports: [],
    variables: [],
    mounts: [],
    network: '',
    hostname: '',
    user: '',
    workingDirectory: '',
    memory: '',
    cpus: '',
    pids: '',
    restartPolicy: 'no',
    restartRetries: '',
    tty: false,
    openStdin: false,
    autoRemove: false,
    privileged: false,
    readonlyRootfs: false,
  };
}

/** Why a field is refused; a key of `run.errors`. */
export type FieldError =
  | 'imageMissing'
  | 'nameInvalid'
  | 'quoteOpen'
  | 'portInvalid'
  | 'hostPortInvalid'
  | 'portTwice'
  | 'variableName'
  | 'targetInvalid'
  | 'sourceMissing'
  | 'bindRelative'
  | 'volumeName'
  | 'memoryInvalid'
  | 'cpusInvalid'
  | 'pidsInvalid'
  | 'retriesInvalid'
  | 'workdirInvalid'
  | 'restartWithRemove';

/** Errors by field; those of rows by `<list>.<row key>`. */
export type RunErrors = Record<string, FieldError | undefined>;

/** Docker's rule for container names (and volume names). */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const smallestMemoryBytes = 6 * 1024 * 1024;

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `8080` or nothing; undefined when it is none of them. */
export function parseHostPort(text: string): { hostIp?: string; hostPort?: number } | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(\d*)$/.exec(trimmed);
  if (!match) return undefined;
  const [, ip, port = ''] = match;
  if (port !== '' && !isPort(port)) return undefined;
  return {
    ...(ip && { hostIp: ip.replace(/^\[|\]$/g, '') }),
    ...(port !== '' && { hostPort: Number(port) }),
  };
}

function portErrors(form: RunForm): RunErrors {
  const errors: RunErrors = {};
  const taken = new Set<string>();
  for (const row of form.ports) {
    const field = `ports.${row.key}`;
    const host = parseHostPort(row.host);
    if (!isPort(row.container.trim())) errors[field] = 'portInvalid';
    else if (!host) errors[field] = 'hostPortInvalid';
    else if (host.hostPort !== undefined) {
      const name = `${host.hostIp ?? ''}:${host.hostPort}/${row.protocol}`;
      if (taken.has(name)) errors[field] = 'portTwice';
      taken.add(name);
    }
  }
  return errors;
}

function mountError(row: MountRow): FieldError | undefined {
  if (!row.target.startsWith('/') || row.target === '/') return 'targetInvalid';
  if (row.type === 'bind' && row.source === '') return 'sourceMissing';
  if (row.type === 'bind' && !row.source.startsWith('/')) return 'bindRelative';
  if (row.type === 'volume' && row.source !== '' && !namePattern.test(row.source)) return 'volumeName';
  return undefined;
}

export function validateRunForm(form: RunForm): RunErrors {
  const errors: RunErrors = portErrors(form);
  const check = (field: string, valid: boolean, error: FieldError) => {
    if (!valid) errors[field] = error;
  };
  const memoryBytes = parseMemory(form.memory);
  check('image', form.image.trim() !== '', 'imageMissing');
  check('name', form.name.trim() === '' || namePattern.test(form.name.trim()), 'nameInvalid');
  check('command', splitWords(form.command) !== undefined, 'quoteOpen');
  check('entrypoint', splitWords(form.entrypoint) !== undefined, 'quoteOpen');
  for (const row of form.variables) {
    check(`variables.${row.key}`, row.name.trim() !== '' && !row.name.includes('='), 'variableName');
  }
  for (const row of form.mounts) {
    const error = mountError(row);
    if (error) errors[`mounts.${row.key}`] = error;
  }
  check(
    'memory',
    form.memory.trim() === '' || (memoryBytes !== undefined && memoryBytes >= smallestMemoryBytes),
    'memoryInvalid',
  );
  check(
    'cpus',
    form.cpus.trim() === '' || (/^\d*\.?\d+$/.test(form.cpus.trim()) && Number(form.cpus) >= 0.01),
    'cpusInvalid',
  );
  check('pids', form.pids.trim() === '' || /^[1-9]\d*$/.test(form.pids.trim()), 'pidsInvalid');
  check('restartRetries', /^\d*$/.test(form.restartRetries.trim()), 'retriesInvalid');
  check(
    'workingDirectory',
    form.workingDirectory === '' || form.workingDirectory.startsWith('/'),
    'workdirInvalid',
  );
  check('autoRemove', !(form.autoRemove && form.restartPolicy !== 'no'), 'restartWithRemove');
  return errors;
}

export function isValid(errors: RunErrors): boolean {
  return Object.values(errors).every((error) => error === undefined);
}

/** What the engine is asked for; only call it on a form without errors. */
export function toRunRequest(form: RunForm): RunRequest {
  const text = (value: string) => value.trim() || undefined;
  const entrypoint = splitWords(form.entrypoint) ?? [];
  const retries = text(form.restartRetries);
  return {
    image: form.image.trim(),
    name: text(form.name),
    command: splitWords(form.command) ?? [],
    entrypoint: entrypoint.length > 0 ? entrypoint : undefined,
    environment: form.variables.map((row) => `${row.name.trim()}=${row.value}`),
    ports: form.ports.map((row) => ({
      ...parseHostPort(row.host),
      containerPort: Number(row.container),
      protocol: row.protocol,
    })),
    mounts: form.mounts.map(({ type, source, target, readonly }) => ({
      type,
      source: type === 'tmpfs' ? '' : source,
      target,
      readonly,
    })),
    network: text(form.network),
    hostname: text(form.hostname),
    user: text(form.user),
    workingDirectory: text(form.workingDirectory),
    memoryBytes: parseMemory(form.memory),
    nanoCpus: text(form.cpus) ? Math.round(Number(form.cpus) * 1e9) : undefined,
    pidsLimit: text(form.pids) ? Number(form.pids) : undefined,
    restartPolicy: form.restartPolicy,
    restartRetries: form.restartPolicy === 'on-failure' && retries ? Number(retries) : undefined,
    tty: form.tty,
    openStdin: form.openStdin,
    autoRemove: form.autoRemove,
    privileged: form.privileged,
    readonlyRootfs: form.readonlyRootfs,
    labels: {},
  };
}
