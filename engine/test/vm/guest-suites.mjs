// Runs inside the virtual machine: the test files of /gantry/suites.json, one vitest for all, and one console line
// `RESULT {json}` per test.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';

const REPORT = '/tmp/report.json';
const { files, project } = JSON.parse(readFileSync('/gantry/build/test/suites.json', 'utf8'));

async function run(name, names) {
  const flags = [
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${REPORT}`,
  ];
  const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...flags, ...names], {
    cwd: '/gantry',
    // Not the console itself: for a terminal vitest would draw everything again and again.
    stdio: ['ignore', 'pipe', 'inherit'],
    // Everything is slower than on a real processor by an order of magnitude.
    env: {
      ...process.env,
      GANTRY_TEST_PREBUILT: '1',
      GANTRY_TEST_SLOWNESS: '10',
      NO_COLOR: '1',
      TERM: 'dumb',
    },
  });
  vitest.stdout.pipe(process.stdout, { end: false });
  await once(vitest, 'close');
  if (!existsSync(REPORT)) return console.log(`RESULT ${JSON.stringify({ file: name, error: 'no report' })}`);
  for (const { name: file, message, assertionResults } of JSON.parse(readFileSync(REPORT, 'utf8'))
    .testResults) {
    const suite = file.replace('/gantry/', '');
    if (assertionResults.length === 0)
      console.log(`RESULT ${JSON.stringify({ file: suite, error: message })}`);
    for (const { fullName, status, failureMessages } of assertionResults) {
      console.log(`RESULT ${JSON.stringify({ file: suite, name: fullName, status, failureMessages })}`);
    }
  }
}

// On a file system with attributes of users, which tmpfs has from Linux 6.6 on only: rootless overlay needs them.
execFileSync('truncate', ['-s', '2G', '/disk']);
execFileSync('mke2fs', ['-q', '-t', 'ext4', '/disk']);
execFileSync('mount', ['-o', 'loop', '/disk', '/tmp']);
chmodSync('/tmp', 0o1777);
await run(project, files);
