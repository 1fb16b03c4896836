import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { EngineError, errnoOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { removeCgroups } from './cgroups/remove.ts';
import { explainRuntimeFailure } from './oci/runtime-log.ts';
import { encodeContainerPlan } from './plan-encoding.ts';
import type { ContainerPlan } from './plan.ts';
import { ShimStageError } from './runtime.ts';
import type { Runtime, Shim } from './runtime.ts';
import { connectShim, readExitRecord } from './shim-client.ts';
import { FRAME } from './shim-protocol.ts';
import { encodeWords, Zygote } from './zygote.ts';

interface ShimRuntimeOptions {
  /** Path of gantry-shim. */
  binary: string;
  /** Shims live in `<runRoot>/containers/<id>`. */
  runRoot: string;
  logger: Logger;
}

/** The built-in runtime: a zygote that forks one native shim per container. */
export function createRuntime({ binary, runRoot, logger }: ShimRuntimeOptions): Runtime {
  const zygote = new Zygote(binary, logger);
  const directoryOf = (id: string): string => path.join(runRoot, 'containers', id);

  async function create(plan: ContainerPlan): Promise<Shim> {
    mkdirSync(plan.runDirectory, { recursive: true, mode: 0o700 });
    await zygote.fork(encodeContainerPlan(plan), layerImagesOf(plan));
    try {
      return await connectShim(plan.id, plan.runDirectory);
    } catch (error) {
      throw plan.external ? await explainRuntimeFailure(plan.runDirectory, error) : error;
    }
  }

  async function reconnect(id: string): ReturnType<Runtime['reconnect']> {
    try {
      return { shim: await connectShim(id, directoryOf(id)) };
    } catch (error) {
      logger.debug('no live shim', { id, cause: errnoOf(error) });
    }
    const exit = await readExitRecord(directoryOf(id));
    if (exit) return { exit };
    return existsSync(path.join(directoryOf(id), 'unstarted')) ? 'unstarted' : undefined;
  }

  async function cleanUp(id: string, cgroupDirectories: string[]): Promise<void> {
    // Never below a directory that is not this container's alone: its neighbours live there.
    const own = cgroupDirectories.filter((directory) => path.basename(directory).includes(id));
    // A shim that ended in good order has removed them. Synchronous: neither filesystem has a disk to wait for.
    const left = own.filter(existsSync).reverse();
    if (left.length > 0) await removeCgroups(left);
    rmSync(directoryOf(id), { recursive: true, force: true });
  }

  async function runTask(argv: string[]): Promise<void> {
    try {
      await zygote.request(FRAME.runTask, encodeWords(argv));
    } catch (error) {
      throw error instanceof ShimStageError ? toTaskError(error) : error;
    }
  }

  async function start(): Promise<void> {
    try {
      await zygote.start();
    } catch (error) {
      // The one that whoever starts the engine can do something about.
      throw error instanceof ShimStageError ? new EngineError('internal', error.failure.message) : error;
    }
  }

  return {
    start,
    close: () => Promise.resolve(zygote.close()),
    create,
    reconnect,
    cleanUp,
    runTask,
    forgetLayer: (lower) => {
      if (isLayerImage(lower)) zygote.forgetLayer(lower);
    },
  };
}

/** Of the root and of mounted images. */
function layerImagesOf({ rootfs, mounts }: ContainerPlan): string[] {
  const mounted = mounts.flatMap((mount) => (mount.kind === 'overlay' ? mount.layers : []));
  return [...new Set([...rootfs.lower, ...mounted])].filter(isLayerImage);
}

/** A lower layer that is a file to mount, not a directory (images/layer-form.ts, native/layer_mount.c). */
function isLayerImage(lower: string): boolean {
  return lower.endsWith('/layer.erofs');
}

/** A failing task writes `ENAME message` or `- message`: an error that `errnoOf` and `messageOf` understand. */
function toTaskError({ failure }: ShimStageError): Error {
  const [, code, message] = /^(E[A-Z0-9]+|-) ([^]*)$/.exec(failure.message) ?? [];
  const error = new Error(message ?? failure.message);
  return code === undefined || code === '-' ? error : Object.assign(error, { code });
}
