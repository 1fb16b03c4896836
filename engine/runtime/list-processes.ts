import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import os from 'node:os';
import { EngineError, errnoOf, invalidArgument } from '../lib/errors.ts';

interface ProcessList {
  Titles: string[];
  Processes: string[][];
}

const DEFAULT_ARGUMENTS = '-ef';
const PS_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * `docker top`: what the host's ps says of the given host pids, with the client's ps arguments; without a ps on the
 * host, the columns of `ps -ef` from /proc. Throws invalid-argument for arguments that are refused, internal with
 * ps's first line when ps fails.
 */
export async function listProcesses(pids: readonly number[], psArguments = ''): Promise<ProcessList> {
  const text = psArguments.trim() === '' ? DEFAULT_ARGUMENTS : psArguments.trim();
  const argv = splitArguments(text);
  let output: string;
  try {
    output = await runPs(argv, pids);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    if (text !== DEFAULT_ARGUMENTS) {
      throw new EngineError(
        'internal',
        `ps: executable file not found in $PATH; only ${DEFAULT_ARGUMENTS} works`,
      );
    }
    return readProcesses(pids);
  }
  return parsePsOutput(output, pids);
}

/**
 * No shell is involved, so an argument can be nothing but an argument of ps; only characters that ps options need
 * are let through. A column renamed to PID would make another column's numbers pass for pids (Docker's check).
 */
export function splitArguments(text: string): string[] {
  const renamed = /(?:^|[\s,])([^\s,=]+)=\s*(PID\S*)/.exec(text);
  if (renamed !== null && renamed[1] !== 'pid') {
    throw invalidArgument(`specifying "${renamed[1]}=${renamed[2]}" is not allowed`);
  }
  const argv = text.split(/\s+/);
  const wrong = argv.find((argument) => !/^[A-Za-z0-9_,:=%+./-]{1,256}$/.test(argument));
  if (wrong !== undefined || argv.length > 64) {
    throw invalidArgument(`invalid ps argument: ${JSON.stringify(wrong ?? text)}`);
  }
  return argv;
}

/** Some options cannot be combined with -q: ps runs once more without it, and the parser filters. */
async function runPs(argv: string[], pids: readonly number[]): Promise<string> {
  try {
    return await execute([...argv, `-q${pids.join(',')}`]);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw error;
    return execute(argv);
  }
}

function execute(argv: string[]): Promise<string> {
  const environment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', COLUMNS: '65536' };
  const options = { env: environment, timeout: PS_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((resolve, reject) => {
    execFile('ps', argv, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (errnoOf(error) === 'ENOENT') reject(error);
      else {
        const reason = stderr.split('\n')[0] || `exit status ${String(error.code)}`;
        reject(new EngineError('internal', `ps: ${reason}`, { cause: error }));
      }
    });
  });
}

/** Rows of the given pids; a row with `-` as pid is a thread of the process above it. */
export function parsePsOutput(output: string, pids: readonly number[]): ProcessList {
  const [head = '', ...lines] = output.split('\n');
  const titles = fieldsOf(head);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw new EngineError('internal', "Couldn't find PID field in ps output");
  const wanted = new Set(pids);
  const processes: string[][] = [];
  let isThreadOfWanted = false;
  for (const line of lines.filter((text) => text !== '')) {
    const fields = fieldsOf(line);
    const pid = fields[pidColumn] ?? '';
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw new EngineError('internal', `Unexpected pid '${pid}'`);
      isThreadOfWanted = wanted.has(Number(pid));
    }
    if (!isThreadOfWanted) continue;
    const last = titles.length - 1;
    processes.push([...fields.slice(0, last), fields.slice(last).join(' ')]);
  }
  return { Titles: titles, Processes: processes };
}

/** Only ASCII white space separates: others may be in a command (moby issue 24358). */
const fieldsOf = (line: string): string[] => line.split(/[\t\n\f\r ]+/).filter((field) => field !== '');

const TICKS_PER_SECOND = 100;

/** `ps -ef` without ps. Processes that end meanwhile are left out. */
export async function readProcesses(pids: readonly number[], procfs = '/proc'): Promise<ProcessList> {
  const users = await readUsers();
  const bootMs = await readBootTime(procfs);
  const rows = await Promise.all(
    pids.map((pid) => readProcess(`${procfs}/${pid}`, users, bootMs).catch(() => undefined)),
  );
  return {
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    Processes: rows.filter((row) => row !== undefined),
  };
}

async function readProcess(directory: string, users: Map<number, string>, bootMs: number): Promise<string[]> {
  const text = await readFile(`${directory}/stat`, 'latin1');
  // The command is in parentheses and may hold any character, parentheses included (proc_pid_stat(5)).
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (number: number): number => Number(fields[number - 3]);
  const ticks = at(14) + at(15);
  const startMs = bootMs + (at(22) * 1000) / TICKS_PER_SECOND;
  const elapsedTicks = Math.max(1, ((Date.now() - startMs) * TICKS_PER_SECOND) / 1000);
  const command = (await readFile(`${directory}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  const { uid } = await stat(directory);
  return [
    users.get(uid) ?? String(uid),
    directory.slice(directory.lastIndexOf('/') + 1),
    String(at(4)),
    String(Math.min(99, Math.floor((100 * ticks) / elapsedTicks))),
    startTime(startMs),
    await terminal(directory, at(7)),
    clock(Math.floor(ticks / TICKS_PER_SECOND)),
    command === '' ? `[${name}]` : command,
  ];
}

/** The name of the terminal as the process has it open, else the number in the kernel's. */
async function terminal(directory: string, device: number): Promise<string> {
  if (device === 0) return '?';
  for (const descriptor of await readdir(`${directory}/fd`).catch(() => [])) {
    const target = await readlink(`${directory}/fd/${descriptor}`).catch(() => '');
    if (/^\/dev\/(?:pts\/\d+|tty\d*|console)$/.test(target)) return target.slice('/dev/'.length);
  }
  return `pts/${device & 0xff}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

function startTime(startMs: number): string {
  const start = new Date(startMs);
  if (Date.now() - startMs < 86_400_000) return `${two(start.getHours())}:${two(start.getMinutes())}`;
  return `${start.toLocaleString('en-US', { month: 'short' })}${two(start.getDate())}`;
}

const clock = (seconds: number): string =>
  `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;

async function readBootTime(procfs: string): Promise<number> {
  const match = /^btime (\d+)$/m.exec(await readFile(`${procfs}/stat`, 'latin1'));
  return match === null ? Date.now() - os.uptime() * 1000 : Number(match[1]) * 1000;
}

async function readUsers(): Promise<Map<number, string>> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return new Map(
    text.split('\n').map((line) => {
      const [name = '', , uid] = line.split(':');
      return [Number(uid), name];
    }),
  );
}
