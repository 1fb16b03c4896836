import type { ContainerState } from './container-state.ts';
import type { OciContext } from './context.ts';
import { abandon, create, CREATE_FLAGS, finish, prepare } from './create.ts';
import { destroy } from './delete.ts';
import { onlyId, parseFlags } from './flags.ts';
import { callNativeAndWait } from './native-call.ts';
import { startState } from './start.ts';

/** create, start, wait and delete in one; with --detach it ends like `create` and `start`. */
export async function run(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(
    argv,
    { ...CREATE_FLAGS, detach: 'switch', keep: 'switch', 'no-subreaper': 'switch' },
    { b: 'bundle', d: 'detach' },
  );
  const id = onlyId(rest);
  if (flags.isSet('detach')) {
    const status = await create(
      context,
      argv.filter((word) => !/^--?(d|detach)$/.test(word)),
    );
    await startState(context, id);
    return status;
  }
  const prepared = prepare(context, flags, id);
  let state: ContainerState | undefined;
  let started: number | undefined;
  try {
    return await callNativeAndWait(prepared.call, async (pid) => {
      started = pid;
      state = finish(prepared, pid, flags);
      await startState(context, id);
    });
  } catch (error) {
    if (!state) await abandon(context, prepared, started);
    throw error;
  } finally {
    if (state && !flags.isSet('keep')) await destroy(context, state);
  }
}
