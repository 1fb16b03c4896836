// `npm run screenshots [OUT]`: every pane of the real app over a real engine with real containers, light and dark,
// 1280 and 800 wide, English and Korean. Needs root and what `npm run setup -- --test` installs.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root, setup } from './setup.mjs';

await setup({ forTests: true });
const out = path.resolve(process.argv[2] ?? path.join(root, 'docs/screenshots'));
const args = ['test', '--config', 'e2e/screenshots.config.ts', '--reporter=list'];
const result = spawnSync(path.join(root, 'node_modules/.bin/playwright'), args, {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, GANTRY_SCREENSHOTS: out },
});
process.exitCode = result.status ?? 1;
