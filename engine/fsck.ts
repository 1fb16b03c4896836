import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseCommandLine, USAGE } from './command-line.ts';
import { openDataRoot } from './data-root.ts';
import { checkStore, type StoreReport } from './images/check-store.ts';
import type { ImageUsers } from './images/image-store.ts';
import { createImages } from './images/images.ts';
import { startNative } from './images/native-process.ts';
import { readJson } from './lib/atomic-file.ts';
import { isObject } from './lib/field-types.ts';
import type { Logger } from './lib/logger.ts';
import { findNativeBinary } from './native-binary.ts';

/**
 * `engine fsck [--repair] --data-root DIR`: checks the image store of an engine that does not run; a running one is asked
 * by `POST /gantry/v1/fsck`. Prints one problem a line and a summary; resolves with the exit status, 1 when something is
 * left that is not whole. Throws conflict while an engine has the data root.
 */
export async function runFsck(argv: string[], logger: Logger): Promise<number> {
  const options = parseCommandLine(argv.filter((word) => word !== '--repair'));
  if (options === 'help' || options === 'version') {
    process.stdout.write(USAGE);
    return 0;
  }
  const repair = argv.includes('--repair');
  const { dataRoot, runRoot, layerForm, layerLimits } = options;
  const binary = findNativeBinary();
  const root = await openDataRoot(dataRoot, runRoot);
  try {
    const runTask = (words: string[]): Promise<void> =>
      startNative(binary, words, { stdin: 'ignore', stdout: 'ignore' }).exited;
    const events = { publish: () => undefined };
    const forgetLayer = (): void => undefined;
    const images = createImages({
      dataRoot,
      binary,
      layerForm,
      layerLimits,
      events,
      logger,
      runTask,
      forgetLayer,
    });
    images.setUsers(await recordedUsers(dataRoot));
    await images.start();
    const signal = new AbortController().signal;
    const report = await checkStore(images.parts, { repair, signal });
    await images.close();
    print(report);
    return report.problems.every(({ repaired }) => repaired) ? 0 : 1;
  } finally {
    await root.release();
  }
}

function print({ images, layers, blobs, bytes, problems }: StoreReport): void {
  for (const { kind, object, message, repaired } of problems)
    process.stdout.write(`${kind} ${object}: ${message}${repaired ? ' (repaired)' : ''}\n`);
  process.stdout.write(
    `${images} images, ${layers} layers, ${blobs} blobs, ${bytes} bytes read: ${problems.length === 0 ? 'whole' : `${problems.length} problems`}\n`,
  );
}

/** Who uses an image, from the containers' records: nothing of it is taken away from them. */
async function recordedUsers(dataRoot: string): Promise<ImageUsers> {
  const users = new Map<string, { id: string; name: string; running: boolean }[]>();
  const directory = path.join(dataRoot, 'containers');
  for (const id of await readdir(directory).catch(() => [])) {
    const record = await readJson(path.join(directory, id, 'container.json')).catch(() => undefined);
    if (!isObject(record) || typeof record['imageId'] !== 'string') continue;
    const known = users.get(record['imageId']) ?? [];
    users.set(record['imageId'], [...known, { id, name: String(record['name']), running: false }]);
  }
  return { usersOf: (imageId) => users.get(imageId) ?? [] };
}
