import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import Ajv from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

interface BuilderConfig {
  asar: boolean;
  files: string[];
  extraResources: { from: string; to: string; filter: string[] }[];
  electronFuses: Record<string, boolean>;
  linux: { target: string[]; icon: string };
}

const config = parse(readFileSync(path.join(root, 'electron-builder.yml'), 'utf8')) as BuilderConfig;

test('electron-builder.yml is valid by the schema of the installed electron-builder', () => {
  const schema = JSON.parse(readFileSync(require.resolve('app-builder-lib/scheme.json'), 'utf8')) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  expect(validate(config), JSON.stringify(validate.errors)).toBe(true);
});

test('only bundles are packed, in an archive', () => {
  expect(config.asar).toBe(true);
  expect(config.files.filter((pattern) => !pattern.startsWith('!'))).toEqual([
    'package.json',
    'build/electron/**',
    'build/renderer/**',
    'electron/icons/*.png',
  ]);
  expect(config.files).toContain('!node_modules/**');
});

test('the engine lies where the app looks for it, beside its native helper and the starter image', () => {
  const packed = config.extraResources.flatMap(({ to, filter }) => filter.map((name) => `${to}/${name}`));
  expect(packed).toEqual([
    'engine/engine.mjs',
    'native/gantry-shim',
    'native/gantry-layers',
    'starter/busybox.tar',
  ]);
});

test('SECURITY: the fuses leave only the engine a way to run the binary as Node', () => {
  expect(config.electronFuses).toMatchObject({
    runAsNode: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  });
});

test('the icons and the entry of package.json exist', () => {
  const { main } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { main: string };
  expect(main).toBe('build/electron/main.mjs');
  expect(existsSync(path.join(root, config.linux.icon, '512x512.png'))).toBe(true);
  expect(existsSync(path.join(root, 'electron/icons/32x32.png'))).toBe(true);
});
