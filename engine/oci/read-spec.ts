import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, invalidArgument, messageOf } from '../lib/errors.ts';
import { isObject, listOf, isText } from '../lib/field-types.ts';
import type { RuntimeSpec, SpecProcess } from '../runtime/oci/spec.ts';

/** config.json of a bundle. Throws invalid-argument for what cannot be one; unknown fields are passed over. */
export function readSpec(bundle: string): RuntimeSpec {
  const spec = readJsonFile(
    path.join(bundle, 'config.json'),
    'JSON specification file config.json not found',
  );
  if (typeof spec['ociVersion'] !== 'string' || !/^1\.\d+\.\d+/.test(spec['ociVersion']))
    throw invalidArgument(`unsupported ociVersion: ${JSON.stringify(spec['ociVersion'])}`);
  if (!isObject(spec['root']) || !isText(spec['root']['path']) || spec['root']['path'] === '')
    throw invalidArgument('root must be specified');
  checkProcess(spec['process']);
  const linux = spec['linux'];
  if (linux !== undefined && !isObject(linux)) throw invalidArgument('linux must be an object');
  return spec as unknown as RuntimeSpec;
}

/** The file of `exec --process`. */
export function readProcess(file: string): SpecProcess {
  const process = readJsonFile(file, `${file} not found`);
  checkProcess(process);
  return process as unknown as SpecProcess;
}

function checkProcess(process: unknown): void {
  if (!isObject(process)) throw invalidArgument('process property must not be empty');
  const { cwd, args, env, user } = process;
  if (typeof cwd !== 'string' || cwd === '') throw invalidArgument('cwd property must not be empty');
  if (!path.isAbsolute(cwd)) throw invalidArgument('cwd must be an absolute path');
  if (!listOf(args, isText) || (args as string[]).length === 0)
    throw invalidArgument('args must not be empty');
  if (env !== undefined && env !== null && !listOf(env, isText))
    throw invalidArgument('env must be a list of strings');
  if (!isObject(user)) throw invalidArgument('user property must not be empty');
}

function readJsonFile(file: string, missing: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? invalidArgument(missing, { cause: error }) : error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`${file}: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(value)) throw invalidArgument(`${file} is not an object`);
  return value;
}
