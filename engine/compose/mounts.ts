import os from 'node:os';
import path from 'node:path';
import { isObject } from '../lib/field-types.ts';
import { pathText, type Path, type Report } from './diagnostics.ts';
import type { MountModel } from './model.ts';
import { boolean, byteSize, fields, mismatch, oneOf, text, type Read } from './readers.ts';

const DEFAULTS = { source: '', readonly: false, createSource: false, noCopy: false, sizeBytes: 0 };

/** `[SOURCE:]TARGET[:MODE]` or the long form; relative sources are taken from the project's directory. */
export function mount(projectDirectory: string): Read<MountModel> {
  return (value, at, report) => {
    if (isObject(value)) return longMount(projectDirectory, value, at, report);
    if (typeof value !== 'string')
      return mismatch(value, at, report, 'a volume such as "data:/var/lib/data"');
    return shortMount(projectDirectory, value, at, report);
  };
}

function shortMount(directory: string, value: string, at: Path, report: Report): MountModel | undefined {
  const parts = value.split(':');
  const [source, target, mode] =
    parts.length === 1 ? ['', parts[0]!, ''] : [parts[0]!, parts[1]!, parts[2] ?? ''];
  const fail = (reason: string) => {
    report.error(at, `${pathText(at)}: ${JSON.stringify(value)} ${reason}`);
    return undefined;
  };
  if (parts.length > 3) return fail('has too many parts');
  if (!target.startsWith('/')) return fail('needs an absolute path in the container');
  const options = mode === '' ? [] : mode.split(',');
  const unknown = options.find((option) => !['ro', 'rw', 'nocopy'].includes(option));
  if (unknown !== undefined)
    return fail(`has the mode ${JSON.stringify(unknown)}, which is not supported yet`);
  const common = { ...DEFAULTS, target: containerPath(target), readonly: options.includes('ro') };
  if (isHostPath(source)) {
    return { ...common, type: 'bind', source: hostPath(directory, source), createSource: true };
  }
  return { ...common, type: 'volume', source, noCopy: options.includes('nocopy') };
}

const long = fields(
  {
    type: oneOf('bind', 'volume', 'tmpfs'),
    source: text,
    target: text,
    read_only: boolean,
    bind: fields({ create_host_path: boolean }, 'propagation selinux recursive'),
    volume: fields({ nocopy: boolean }, 'subpath labels'),
    tmpfs: fields({ size: byteSize }, 'mode'),
  },
  'consistency image',
);

function longMount(directory: string, value: unknown, at: Path, report: Report): MountModel | undefined {
  const mount = long(value, at, report);
  if (!mount) return undefined;
  const { type, source = '', target, read_only: readonly = false } = mount;
  if (type === undefined || !target?.startsWith('/')) {
    report.error(at, `${pathText(at)} needs a type and an absolute target`);
    return undefined;
  }
  if (type === 'bind' && source === '') {
    report.error(at, `${pathText(at)}: a bind needs a source`);
    return undefined;
  }
  return {
    type,
    source: type === 'bind' ? hostPath(directory, source) : type === 'volume' ? source : '',
    target: containerPath(target),
    readonly,
    createSource: type === 'bind' && (mount.bind?.create_host_path ?? true),
    noCopy: mount.volume?.nocopy ?? false,
    sizeBytes: mount.tmpfs?.size ?? 0,
  };
}

/** `/a/./b/` → `/a/b` */
function containerPath(target: string): string {
  return path.posix.join(target, '.').replace(/(.)\/$/, '$1');
}

function isHostPath(source: string): boolean {
  return source.startsWith('/') || source.startsWith('.') || source.startsWith('~');
}

function hostPath(directory: string, source: string): string {
  if (source === '~' || source.startsWith('~/')) return path.join(os.homedir(), source.slice(1));
  return path.resolve(directory, source);
}
