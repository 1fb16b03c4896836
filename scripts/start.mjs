// `npm start`: set-up, then the app. Electron when its runtime and a display are there, else web mode.
//   --web            web mode in any case
//   --port N         web mode's port (default: any free one)
//   --no-open        do not open a browser
//   --socket PATH    use the engine at PATH
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root, setup } from './setup.mjs';

const flags = process.argv.slice(2);
const webOnly = flags.includes('--web') || flags.includes('--port') || flags.includes('--no-open');

const missing = await setup();
if (missing.length > 0) console.warn(`Gantry goes on without:\n  ${missing.join('\n  ')}`);

const electron = webOnly ? undefined : findElectron();
const [command, args] =
  electron === undefined
    ? [
        process.execPath,
        [path.join(root, 'build/electron/web.mjs'), ...flags.filter((flag) => flag !== '--web')],
      ]
    : [electron, [...sandboxFlags(), root, ...flags]];
const child = spawn(command, args, { stdio: 'inherit', cwd: root });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));

/** Chromium refuses to run as root with its sandbox. */
function sandboxFlags() {
  if (process.getuid?.() !== 0) return [];
  console.warn(
    'Gantry runs as root: its window has no Chromium sandbox (start it as an ordinary user, or with --web)',
  );
  return ['--no-sandbox'];
}

/**
 * Electron's executable, or undefined. `import('electron')` in plain Node would start a download,
 * so its files are probed instead.
 */
function findElectron() {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return undefined;
  const home = path.join(root, 'node_modules/electron');
  const pathFile = path.join(home, 'path.txt');
  const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? path.join(home, 'dist');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : 'electron';
  const binary = path.join(dist, name);
  try {
    accessSync(binary, constants.X_OK);
    return binary;
  } catch {
    return undefined;
  }
}
