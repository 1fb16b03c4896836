// `npm run stress -- [--rounds 200] [--seed N]`: kills the engine under load again and again, as root
// (engine/test/crash-stress.test.ts). The seed is printed; the same one does the same again.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './setup.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string' } },
});
const { status } = spawnSync(
  path.join(root, 'node_modules/.bin/vitest'),
  ['run', '--project', 'engine', 'engine/test/crash-stress.test.ts'],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      GANTRY_STRESS_ROUNDS: values.rounds,
      ...(values.seed === undefined ? {} : { GANTRY_STRESS_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
