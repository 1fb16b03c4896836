import { spellFields } from '../lib/field-names.ts';
import { FLAG, TEXT, TEXTS, checkFields, type Check } from '../lib/field-types.ts';
import { CONSOLE_SIZE } from './config-types.ts';

/** `POST /containers/{id}/exec` as it travels. */
export interface ExecCreateRequest {
  User?: string;
  Privileged?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Env?: string[] | null;
  WorkingDir?: string;
  Cmd?: string[] | null;
}

export interface ExecStartRequest {
  Detach?: boolean;
  Tty?: boolean;
  /** `[height, width]` */
  ConsoleSize?: [number, number] | null;
}

const CREATE: Record<keyof ExecCreateRequest, Check> = {
  User: TEXT,
  Privileged: FLAG,
  Tty: FLAG,
  ConsoleSize: CONSOLE_SIZE,
  AttachStdin: FLAG,
  AttachStdout: FLAG,
  AttachStderr: FLAG,
  DetachKeys: TEXT,
  Env: TEXTS,
  WorkingDir: TEXT,
  Cmd: TEXTS,
};

const START: Record<keyof ExecStartRequest, Check> = {
  Detach: FLAG,
  Tty: FLAG,
  ConsoleSize: CONSOLE_SIZE,
};

/** 400 for a field of a wrong type. Names in any case, as Go reads them: docker-py sends `detachKeys`. */
export const readExecCreate = (body: object): ExecCreateRequest => read(body, CREATE);
export const readExecStart = (body: object): ExecStartRequest => read(body, START);

/** As events tell it: the program, a space, its arguments. */
export function commandText([program = '', ...args]: readonly string[]): string {
  return `${program} ${args.join(' ')}`;
}

function read<T extends object>(body: object, checks: Record<keyof T & string, Check>): T {
  const names = Object.fromEntries(Object.keys(checks).map((name) => [name, null]));
  const request = spellFields(body, names) as T;
  checkFields('', request, checks);
  return request;
}
