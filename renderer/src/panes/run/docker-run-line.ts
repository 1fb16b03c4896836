import { newKey } from '../../design/rows.ts';
import { emptyRunForm } from './run-form.ts';
import type { RunForm } from './run-form.ts';
import { joinWords, splitWords } from '../../format/shell-words.ts';

interface ParsedRunLine {
  form: RunForm;
  /** Flags the form has no field for, as written. */
  unsupported: string[];
}

type Setter = (form: RunForm, value: string) => void;

const restartPolicies = new Set(['no', 'always', 'unless-stopped', 'on-failure']);

function setPort(form: RunForm, value: string): void {
  const [address = '', protocol = 'tcp'] = value.split('/');
  const cut = address.lastIndexOf(':');
  form.ports.push({
    key: newKey(),
    host: cut < 0 ? '' : address.slice(0, cut),
    container: address.slice(cut + 1),
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  });
}

function setVolume(form: RunForm, value: string): void {
  const parts = value.split(':');
  const [source = '', target = '', options = ''] = parts.length === 1 ? ['', value] : parts;
  form.mounts.push({
    key: newKey(),
    type: /^[/.~$]/.test(source) ? 'bind' : 'volume',
    source,
    target,
    readonly: options.split(',').includes('ro'),
  });
}

function setMount(form: RunForm, value: string): void {
  const fields = new Map(value.split(',').map((part) => splitOnce(part, '=')));
  const pick = (...names: string[]) =>
    names.map((name) => fields.get(name)).find((found) => found !== undefined);
  const type = fields.get('type');
  form.mounts.push({
    key: newKey(),
    type: type === 'bind' || type === 'tmpfs' ? type : 'volume',
    source: pick('source', 'src') ?? '',
    target: pick('target', 'destination', 'dst') ?? '',
    readonly: ['', 'true', '1'].includes(pick('readonly', 'ro') ?? 'no'),
  });
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function setVariable(form: RunForm, value: string): void {
  const [name, content] = splitOnce(value, '=');
  form.variables.push({ key: newKey(), name, value: content });
}

function setRestart(form: RunForm, value: string): void {
  const [policy, retries] = splitOnce(value, ':');
  if (restartPolicies.has(policy)) form.restartPolicy = policy as RunForm['restartPolicy'];
  form.restartRetries = retries;
}

const withValue: Record<string, Setter> = {
  '--name': (form, value) => void (form.name = value),
  '--publish': setPort,
  '--env': setVariable,
  '--volume': setVolume,
  '--mount': setMount,
  '--tmpfs': (form, value) =>
    void form.mounts.push({
      key: newKey(),
      type: 'tmpfs',
      source: '',
      target: splitOnce(value, ':')[0],
      readonly: false,
    }),
  '--network': (form, value) => void (form.network = value),
  '--hostname': (form, value) => void (form.hostname = value),
  '--user': (form, value) => void (form.user = value),
  '--workdir': (form, value) => void (form.workingDirectory = value),
  '--memory': (form, value) => void (form.memory = value),
  '--cpus': (form, value) => void (form.cpus = value),
  '--pids-limit': (form, value) => void (form.pids = value),
  '--restart': setRestart,
  '--entrypoint': (form, value) => void (form.entrypoint = joinWords([value])),
};

const switches: Record<string, (form: RunForm) => void> = {
  '--tty': (form) => void (form.tty = true),
  '--interactive': (form) => void (form.openStdin = true),
  '--rm': (form) => void (form.autoRemove = true),
  '--privileged': (form) => void (form.privileged = true),
  '--read-only': (form) => void (form.readonlyRootfs = true),
  '--detach': () => undefined,
};

const shortNames: Record<string, string> = {
  p: '--publish',
  e: '--env',
  v: '--volume',
  h: '--hostname',
  u: '--user',
  w: '--workdir',
  m: '--memory',
  t: '--tty',
  i: '--interactive',
  d: '--detach',
};
const otherSwitches = new Set([
  '--publish-all',
  '-P',
  '--no-healthcheck',
  '--oom-kill-disable',
  '--quiet',
  '-q',
  '--init',
]);

/** `-itp 8080:80` → `--interactive`, `--tty`, `--publish 8080:80`. Undefined where the letter is unknown. */
function expandShort(word: string): { flags: string[]; value: string | undefined } | undefined {
  const flags: string[] = [];
  for (let index = 1; index < word.length; index += 1) {
    const flag = shortNames[word.charAt(index)];
    if (!flag) return undefined;
    flags.push(flag);
    if (flag in withValue) {
      const rest = word.slice(index + 1).replace(/^=/, '');
      return { flags, value: rest || undefined };
    }
  }
  return { flags, value: undefined };
}

/**
 * Reads a pasted `docker run …` (also `podman run`, `docker container run`, with continuation lines) into the form.
 * Undefined when it is not such a line or has no image.
 */
export function parseRunLine(line: string): ParsedRunLine | undefined {
  const words = splitWords(line.trim().replace(/^\$\s+/, ''));
  if (!words) return undefined;
  while (words[0] === 'sudo') words.shift();
  if (!/^(docker|podman|nerdctl)$/.test(words.shift() ?? '')) return undefined;
  if (words[0] === 'container') words.shift();
  if (!/^(run|create)$/.test(words.shift() ?? '')) return undefined;

  const form = emptyRunForm('');
  const unsupported: string[] = [];
  for (;;) {
    const word = words.shift();
    if (word === undefined) return undefined;
    if (!word.startsWith('-')) {
      form.image = word;
      form.command = joinWords(words);
      return { form, unsupported };
    }
    if (word.startsWith('--')) readLong(word, words, form, unsupported);
    else readShort(word, words, form, unsupported);
  }
}

function readLong(word: string, words: string[], form: RunForm, unsupported: string[]): void {
  const [written, inline] = splitOnce(word, '=');
  const flag = written === '--net' ? '--network' : written;
  const setter = withValue[flag];
  if (setter) setter(form, word.includes('=') ? inline : (words.shift() ?? ''));
  else if (switches[flag]) {
    if (inline !== 'false') switches[flag](form);
  } else skip(word, words, unsupported);
}

function readShort(word: string, words: string[], form: RunForm, unsupported: string[]): void {
  const expanded = expandShort(word);
  if (!expanded) {
    skip(word, words, unsupported);
    return;
  }
  for (const flag of expanded.flags) {
    const setter = withValue[flag];
    if (setter) setter(form, expanded.value ?? words.shift() ?? '');
    else switches[flag]?.(form);
  }
}

/** An unknown flag takes the next word as its value unless it is a known switch or carries `=`. */
function skip(word: string, words: string[], unsupported: string[]): void {
  const takesValue = !word.includes('=') && !otherSwitches.has(word);
  const value = takesValue ? words.shift() : undefined;
  unsupported.push(value === undefined ? word : `${word} ${value}`);
}
