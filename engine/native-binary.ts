import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidArgument } from './lib/errors.ts';

/** GANTRY_SHIM, else `../native/gantry-shim` beside the bundle. Throws when it cannot be run. */
export function findNativeBinary(): string {
  const binary =
    process.env['GANTRY_SHIM'] ?? fileURLToPath(new URL('../native/gantry-shim', import.meta.url));
  try {
    accessSync(binary, constants.X_OK);
  } catch (error) {
    throw invalidArgument(`cannot run the native helper ${binary}`, {
      hint: 'build it by: npm run build -- native',
      cause: error,
    });
  }
  return binary;
}

/** A second program beside it for layers alone, which inflates faster; undefined where it was not built. */
export function findLayerBinary(binary: string): string | undefined {
  const beside = path.join(path.dirname(binary), 'gantry-layers');
  return existsSync(beside) ? beside : undefined;
}
