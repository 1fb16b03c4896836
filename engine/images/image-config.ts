import { invalidArgument } from '../lib/errors.ts';
import { isObject, isText, listOf } from '../lib/field-types.ts';
import type { OciImageConfig } from './image-store.ts';
import { isSha256 } from './reference.ts';

/** Largest image configuration accepted, bytes. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** Docker builds no more than 125; overlay takes 500, a plan 256 with the engine's own (native/plan.c). */
const MAX_LAYERS = 250;

/** Reads an image configuration blob and checks the parts the engine relies on; throws invalid-argument. */
export function parseImageConfig(blob: Uint8Array): OciImageConfig {
  const config = parseObject(Buffer.from(blob).toString('utf8')) as Partial<OciImageConfig>;
  const diffIds: unknown = config.rootfs?.diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && isSha256(id))) {
    throw invalidArgument('invalid image configuration: rootfs.diff_ids');
  }
  if (diffIds.length > MAX_LAYERS) {
    throw invalidArgument(`invalid image configuration: more than ${MAX_LAYERS} layers`);
  }
  if (config.os !== undefined && config.os !== '' && config.os !== 'linux') {
    throw invalidArgument(`cannot load a ${config.os} image on linux`);
  }
  if (!isObject(config.config ?? {})) throw invalidArgument('invalid image configuration: config');
  checkProcess(config.config ?? {});
  return {
    ...config,
    architecture: config.architecture ?? '',
    os: config.os ?? 'linux',
    rootfs: { type: 'layers', diff_ids: diffIds as string[] },
  };
}

/** SECURITY: the configuration is hostile input; its lists are what the runtime later takes for argv and env. */
function checkProcess(config: object): void {
  for (const name of ['Env', 'Cmd', 'Entrypoint', 'OnBuild', 'Shell']) {
    const value: unknown = Reflect.get(config, name);
    if (value === undefined || value === null) continue;
    if (!listOf(value, isText)) {
      throw invalidArgument(`invalid image configuration: config.${name}`);
    }
  }
  for (const name of ['User', 'WorkingDir', 'StopSignal']) {
    const value: unknown = Reflect.get(config, name);
    if (value !== undefined && !isText(value)) {
      throw invalidArgument(`invalid image configuration: config.${name}`);
    }
  }
  for (const name of ['ExposedPorts', 'Volumes', 'Labels', 'Healthcheck']) {
    const value: unknown = Reflect.get(config, name) ?? {};
    if (!isObject(value)) throw invalidArgument(`invalid image configuration: config.${name}`);
    const items: unknown[] = Object.values(value);
    if (name === 'Labels' && !items.every((item) => typeof item === 'string')) {
      throw invalidArgument('invalid image configuration: config.Labels');
    }
    if (name === 'Healthcheck') checkHealthcheck(value);
  }
}

function checkHealthcheck(value: object): void {
  const valid = Object.entries(value).every(([name, item]: [string, unknown]) =>
    name === 'Test' ? item === null || listOf(item, isText) : typeof item === 'number',
  );
  if (!valid) throw invalidArgument('invalid image configuration: config.Healthcheck');
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument('invalid image configuration: not JSON', { cause: error });
  }
  if (!isObject(value)) throw invalidArgument('invalid image configuration: not an object');
  return value;
}
