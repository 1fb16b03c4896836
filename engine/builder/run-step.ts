import { Duplex } from 'node:stream';
import { commandWords } from '../dockerfile/apply-instruction.ts';
import { SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import type { Run } from '../dockerfile/instructions.ts';
import { invalidArgument } from '../lib/errors.ts';
import type { ContainerCreateRequest, HostConfig, MountRequest } from '../wire/container.ts';
import { BuildError } from './build-error.ts';
import { fromRoot } from './copy-layer.ts';
import { lowersOf } from './copy-step.ts';
import { perform, shortId, type Step } from './step.ts';
import { createFrameReader } from './frame-reader.ts';
import { parseRunMount } from './run-mount.ts';
import { BUILD_ANNOTATION, keepContainer } from './stray-containers.ts';
import { prepareMounts, type PreparedMounts } from './run-mounts.ts';

/** RUN: a container of the image so far; what it wrote becomes the layer, without being copied. */
export async function runCommand(step: Step, instruction: Run): Promise<void> {
  const { state } = step;
  const words = commandOf(instruction, step);
  const env = state.config.Env ?? [];
  const recorded = state.args.recorded(env);
  const saved = recorded.length > 0 ? [`|${recorded.length}`, ...recorded, ...words] : words;
  const mounts = instruction.mounts.map((text) => parseRunMount(text, state.expansion.word));
  const host = hostConfigOf(step, instruction);
  const script = scriptOf(instruction);
  const prepared = await prepareMounts(
    step,
    mounts,
    script === undefined ? undefined : { content: script, target: SCRIPT_PATH },
  );
  try {
    await perform(step, {
      facts: ['run', saved, prepared.facts, host.NetworkMode, host.Privileged ?? false],
      createdBy: saved.join(' '),
      inputs: { source: instruction.source, files: undefined },
      // `RUN []` is allowed, and runs nothing.
      make: async () =>
        words.length === 0 ? undefined : prepared.use((more) => runContainer(step, words, host, more)),
    });
  } finally {
    await prepared.close();
  }
}

/** Shell form, exec form, or the content of a heredoc. */
function commandOf({ command, heredocs }: Run, { state }: Step): string[] {
  if (command.form === 'exec') return command.words;
  const [heredoc] = heredocs;
  // `RUN <<EOF` alone: the document is the script. Otherwise the shell itself reads the documents behind the command.
  if (heredoc && isHeredocAlone(command.text)) {
    if (heredoc.content.startsWith('#!')) return [SCRIPT_PATH];
    return commandWords({ form: 'shell', text: heredoc.content }, state.config);
  }
  const documents = heredocs.map(({ name, content }) => `\n${content}${name}`).join('');
  return commandWords({ form: 'shell', text: `${command.text}${documents}` }, state.config);
}

/** Where a heredoc with an interpreter of its own is shown to it. */
const SCRIPT_PATH = '/dev/pipes/EOF';

function isHeredocAlone(text: string): boolean {
  return /^<<-?\s*(['"]?)[^\s'"]+\1$/.test(text);
}

/** The content of `RUN <<EOF` that begins with `#!`. */
function scriptOf({ command, heredocs: [heredoc] }: Run): string | undefined {
  const isAlone = command.form === 'shell' && isHeredocAlone(command.text);
  return isAlone && heredoc?.content.startsWith('#!') ? heredoc.content : undefined;
}

function hostConfigOf({ session }: Step, { network, security }: Run): HostConfig {
  const { options } = session;
  const host: HostConfig = { ...options.hostConfig };
  if (network === 'none') host.NetworkMode = 'none';
  else if (network === 'host') {
    if (!options.allowHostNetwork) throw invalidArgument('network.host is not allowed');
    host.NetworkMode = 'host';
  } else if (network !== undefined && network !== 'default')
    throw new SyntaxMistake(`invalid network mode: "${network}"`);
  if (security === 'insecure') {
    // SECURITY (2024-23653, GHSA-7236-3392-c5c6): decided here, on what will be run.
    if (!options.allowInsecure) throw invalidArgument('security.insecure is not allowed');
    host.Privileged = true;
  } else if (security !== undefined && security !== 'sandbox')
    throw new SyntaxMistake(`invalid security mode: "${security}"`);
  return host;
}

async function runContainer(
  step: Step,
  words: string[],
  host: HostConfig,
  mounts: PreparedMounts,
): Promise<string | undefined> {
  const { session, state, print } = step;
  const { containers, images } = session.deps;
  const env = state.config.Env ?? [];
  const request: ContainerCreateRequest = {
    ...state.config,
    Image: await imageOf(step),
    Cmd: words,
    Entrypoint: [''],
    Env: [...env, ...state.args.environment(env)],
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...host,
      LogConfig: { Type: 'none' },
      Annotations: { [BUILD_ANNOTATION]: 'true' },
      Mounts: [...(host.Mounts ?? []), ...mounts.mounts],
    },
  };
  const stubs = await findStubs(step, mounts.mounts);
  const { id } = await containers.create(request);
  let removed = false;
  const remove = async (): Promise<void> => {
    if (removed) return;
    removed = true;
    await containers.remove(id, { force: true, volumes: true }).catch(() => undefined);
  };
  try {
    await print(` ---> Running in ${shortId(id)}\n`);
    const code = await runToEnd(step, id, mounts.environment);
    if (code !== 0)
      throw new BuildError(`The command '${words.join(' ')}' returned a non-zero code: ${code}`, { code });
    const diffId = await containers.useRoot(id, async ({ layers: { upper } }) => {
      await settle(step, upper, stubs);
      return images.adopt(upper, session.signal);
    });
    if (session.options.remove === 'never') await keepContainer(session.deps, id);
    else {
      await remove();
      await print(`Removing intermediate container ${shortId(id)}\n`);
    }
    return diffId;
  } catch (error) {
    // A failed step's container stays to be looked at, as the classic builder leaves it, unless the user hung up.
    if (session.options.remove === 'always' || session.signal.aborted) await remove();
    else await keepContainer(session.deps, id).catch(() => undefined);
    throw error;
  }
}

/** The image to run; FROM scratch has none yet. */
async function imageOf({ session, state }: Step): Promise<string> {
  return state.imageId ?? (await session.deps.images.addStep(state.image, undefined, undefined));
}

/** What has to be made in the image for the mounts to be laid over, the deepest first. */
async function findStubs(step: Step, mounts: readonly MountRequest[]): Promise<string[]> {
  const lowers = lowersOf(step);
  const stubs = new Set<string>();
  for (const { Target = '' } of mounts) {
    const { existing, rest } =
      lowers.length > 0 ? await step.session.deps.files.walk(lowers, Target) : fromRoot(Target);
    for (
      let missing = rest;
      missing !== '';
      missing = missing.slice(0, Math.max(0, missing.lastIndexOf('/')))
    )
      stubs.add(`${existing.at(-1)?.path ?? ''}/${missing}`);
  }
  return [...stubs].sort((one, other) => other.length - one.length);
}

/** Before it becomes a layer: nothing tells of mounts, and SOURCE_DATE_EPOCH is kept to. */
async function settle({ session }: Step, upper: string, stubs: readonly string[]): Promise<void> {
  const { runTask } = session.deps;
  if (stubs.length > 0) await runTask(['remove-stubs', upper, ...stubs]);
  if (session.epoch !== undefined) await runTask(['clamp-times', upper, String(session.epoch)]);
}

async function runToEnd(step: Step, id: string, environment: readonly string[]): Promise<number> {
  const { session } = step;
  const { containers } = session.deps;
  const output = outputOf(step);
  const attach = { stdin: false, stdout: true, stderr: true, stream: true, logs: false, raw: false };
  await containers.attach(id, { ...attach, detachKeys: undefined }, output.stream);
  const ended = containers.wait(id, 'not-running', session.signal);
  ended.catch(() => undefined);
  await containers.startContainer(id, environment);
  await output.ended;
  // It may have been told before the start was; then the state is final by now.
  const { exitCode } = await containers.wait(id, 'not-running', session.signal);
  return exitCode;
}

/** The client end of an attach, which prints; standard error in red, as the classic builder does. */
function outputOf({ print, session }: Step): { stream: Duplex; ended: Promise<void> } {
  const frames = createFrameReader();
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (finish = resolve));
  const stream = new Duplex({
    read() {
      this.push(null);
    },
    write(chunk: Buffer, _encoding, done) {
      const texts = frames(chunk).map(({ stream: name, text }) =>
        name === 'stderr' ? `\u001B[91m${text}\u001B[0m` : text,
      );
      texts
        .reduce((before, text) => before.then(() => print(text)), Promise.resolve())
        .then(() => done(), done);
    },
    final(done) {
      finish();
      done();
    },
    destroy(error, done) {
      finish();
      done(error);
    },
  });
  session.signal.addEventListener('abort', finish, { once: true });
  return { stream, ended };
}
