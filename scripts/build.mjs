// Builds what is named on the command line (default: everything) into build/:
//   native   → build/native/gantry-shim   (static C binary, needs cc and make; gantry-layers where igzip is)
//   engine   → build/engine/engine.mjs    (one bundled file)
//   oci      → build/bin/gantry-runc      (the OCI command line, for podman and dockerd)
//   electron → build/electron/            (main process, preload and the web-mode server)
//   renderer → build/renderer/            (static files)
//   starter  → build/starter/busybox.tar  (the image that is there without any registry)
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function buildNative() {
  execFileSync('make', ['--silent', '-C', path.join(root, 'engine/runtime/native')], { stdio: 'inherit' });
}

// What dockerode loads for ssh:// hosts and BuildKit sessions; the app uses neither yet, and both are large.
const unused = { ssh2: false, '@grpc/grpc-js': false, '@grpc/proto-loader': false };

/** V8 keeps a source with one character above U+00FF in two bytes a character: 1.4 MiB more of the engine's memory. */
const latin1 = {
  name: 'latin1',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) file.code = file.code?.replaceAll(/[^\0-\xff]/g, escapeUnit);
  },
};

const escapeUnit = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

async function bundle(inputs, outDir, format = 'esm', external = []) {
  const { build } = await import('rolldown');
  await build({
    input: inputs,
    platform: 'node',
    external: [/^node:/, ...external],
    resolve: { alias: unused },
    plugins: [latin1],
    logLevel: 'warn',
    output: {
      comments: false,
      dir: path.join(root, 'build', outDir),
      format,
      sourcemap: true,
      entryFileNames: format === 'esm' ? '[name].mjs' : '[name].cjs',
      codeSplitting: false,
    },
  });
}

async function buildEngine() {
  await bundle({ engine: path.join(root, 'engine/main.ts') }, 'engine');
}

async function buildOci() {
  await bundle({ 'gantry-runc': path.join(root, 'engine/oci/main.ts') }, 'oci');
  // Absolute paths: podman and dockerd start it with an environment of their own.
  const script = `#!/bin/sh\nexec '${process.execPath}' '${path.join(root, 'build/oci/gantry-runc.mjs')}' "$@"\n`;
  mkdirSync(path.join(root, 'build/bin'), { recursive: true });
  writeFileSync(path.join(root, 'build/bin/gantry-runc'), script, { mode: 0o755 });
}

async function buildElectron() {
  await bundle({ web: path.join(root, 'electron/web.ts') }, 'electron', 'esm', ['electron']);
  await bundle({ main: path.join(root, 'electron/main.ts') }, 'electron', 'esm', ['electron']);
  await bundle({ preload: path.join(root, 'electron/preload.ts') }, 'electron', 'cjs', ['electron']);
}

async function buildRenderer() {
  const { build } = await import('vite');
  await build({ configFile: path.join(root, 'vite.config.ts'), logLevel: 'warn' });
}

function buildStarter() {
  execFileSync(process.execPath, [path.join(root, 'scripts/starter-image.mjs')], { stdio: 'inherit' });
}

const targets = {
  native: buildNative,
  engine: buildEngine,
  oci: buildOci,
  electron: buildElectron,
  renderer: buildRenderer,
  starter: buildStarter,
};
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(targets)) {
  const target = targets[name];
  if (!target) {
    console.error(`build: unknown target '${name}', one of: ${Object.keys(targets).join(', ')}`);
    process.exit(2);
  }
  await target();
}
