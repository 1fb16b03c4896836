// `npm test`: set-up, then every layer. Fails when anything fails; its last line is `N passed, N failed[, N skipped]`.
//   npm test -- unit engine    runs only those layers
//   npm run test:vm            the layer that is left out otherwise: ten minutes of an emulated machine
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, setup } from './setup.mjs';

const isRoot = process.getuid?.() === 0;
const results = path.join(root, 'test-results');
const bin = (name) => path.join(root, 'node_modules/.bin', name);

const LAYERS = {
  types: () => check('types', bin('tsc'), ['--noEmit']),
  lint: lint,
  unit: () => vitest('unit'),
  native: native,
  fuzz: fuzz,
  engine: engine,
  e2e: e2e,
  vm: () => vitest('vm'),
};
/** Only when asked for. */
const LONG_LAYERS = ['vm'];

async function lint() {
  const reports = [
    await check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']),
    await check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']),
  ];
  if (existsSync('/usr/bin/clang-format')) {
    const sources = readdirSync(path.join(root, 'engine'), { recursive: true })
      .filter((file) => /\.[ch]$/.test(file))
      .map((file) => path.join('engine', file));
    reports.push(await check('format of C', 'clang-format', ['--dry-run', '-Werror', ...sources]));
  } else {
    reports.push(skipped('format of C', 'clang-format is not installed'));
  }
  return sum(reports);
}

async function native() {
  if (!existsSync('/usr/bin/make')) return skipped('native', 'make is not installed');
  const { code, output } = await run('make', ['--silent', '-C', 'engine/runtime/native', 'check'], {
    capture: true,
  });
  const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)];
  const passed = counts.reduce((total, match) => total + Number(match[1]), 0);
  const failed = counts.reduce((total, match) => total + Number(match[2]), 0);
  return { passed, failed: code === 0 && counts.length > 0 ? failed : Math.max(1, failed), skipped: 0 };
}

/** A little of `make fuzz`: every decoder from its corpus on, two seconds each. */
async function fuzz() {
  const probe = spawnSync('clang', ['-fsanitize=fuzzer', '-x', 'c', '-', '-o', '/dev/null'], {
    input:
      '#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) { return d && n ? 0 : 0; }',
  });
  if (probe.status !== 0) return skipped('fuzz', 'clang with libFuzzer is not installed');
  const args = ['--silent', '-j2', '-C', 'engine/runtime/native', 'fuzz', 'FUZZ_SECONDS=2'];
  const { code, output } = await run('make', args, { capture: true });
  const passed = [...output.matchAll(/^\w+: clean$/gm)].length;
  return { passed, failed: code === 0 && passed > 0 ? 0 : 1, skipped: 0 };
}

async function engine() {
  if (!isRoot) return skipped('engine', 'needs root: namespaces and cgroups are made for real');
  return vitest('engine');
}

async function vitest(project) {
  const file = path.join(results, `${project}.json`);
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ];
  const { code } = await run(bin('vitest'), args, { endSignal: 'SIGUSR2' });
  return fromReport(file, code, (report) => ({
    passed: report.numPassedTests,
    failed:
      report.numFailedTests +
      report.testResults.filter((t) => t.status === 'failed' && t.assertionResults.length === 0).length,
    skipped: report.numPendingTests,
  }));
}

async function e2e() {
  if (!isRoot) return skipped('e2e', 'needs root: it drives a real engine');
  if (!existsSync('/usr/bin/chromium')) return skipped('e2e', 'chromium is not installed');
  const file = path.join(results, 'e2e.json');
  const args = ['test', '--config', 'e2e/playwright.config.ts', '--reporter=list,json'];
  const { code } = await run(bin('playwright'), args, {
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: file },
    endSignal: 'SIGINT',
  });
  return fromReport(file, code, ({ stats }) => ({
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
  }));
}

/** A runner that exits non-zero has failed whatever it counted. */
function fromReport(file, code, count) {
  const report = existsSync(file)
    ? count(JSON.parse(readFileSync(file, 'utf8')))
    : { passed: 0, failed: 1, skipped: 0 };
  if (report.passed + report.failed === 0) report.failed = 1;
  return code === 0 ? report : { ...report, failed: Math.max(1, report.failed) };
}

async function check(name, command, args) {
  const { code } = await run(command, args);
  console.log(`${code === 0 ? '✓' : '✗'} ${name}`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

function skipped(name, reason) {
  console.log(`- ${name} skipped: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

function sum(reports) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const report of reports) for (const key of Object.keys(total)) total[key] += report[key];
  return total;
}

/**
 * Runs a command in a process group of its own: Ctrl-C would otherwise kill the workers of a runner together with it,
 * and nobody would be left to end their engines. `endSignal` makes the runner tear down and end.
 */
function run(command, args, { capture = false, env = {}, endSignal = 'SIGTERM' } = {}) {
  const tools = path.join(root, 'build/tools');
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env, PATH: `${process.env.PATH}:${tools}` },
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
    detached: true,
  });
  running = { child, endSignal };
  let output = '';
  child.stdout?.on('data', (chunk) => {
    process.stdout.write(chunk);
    output += chunk;
  });
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve({ code: 127, output });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The first signal lets the running test end and tears down; the second, or the end of patience, kills. */
function interrupt(signal) {
  const kill = () => killGroup(running?.child.pid, 'SIGKILL');
  if (interruptedBy !== undefined) return kill();
  interruptedBy = signal;
  console.log(`\n${signal}: tearing down (once more to kill)`);
  running?.child.kill(running.endSignal);
  setTimeout(kill, TEARDOWN_MS).unref();
}

function killGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const TEARDOWN_MS = 120_000;
let running;
let interruptedBy;

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in LAYERS));
if (unknown.length > 0) {
  console.error(`test: unknown layer '${unknown[0]}', one of: ${Object.keys(LAYERS).join(', ')}`);
  process.exit(2);
}
await setup({ forTests: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt);
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const rows = [];
const usual = Object.keys(LAYERS).filter((name) => !LONG_LAYERS.includes(name));
for (const name of asked.length > 0 ? asked : usual) {
  console.log(`\n── ${name}`);
  const started = Date.now();
  rows.push({ name, ...(await LAYERS[name]()), seconds: Math.round((Date.now() - started) / 1000) });
  if (interruptedBy !== undefined) break;
}
const total = sum(rows);
console.log('');
for (const row of rows) {
  console.log(
    `${row.name.padEnd(8)} ${row.passed} passed, ${row.failed} failed, ${row.skipped} skipped (${row.seconds} s)`,
  );
}
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 && interruptedBy === undefined ? 0 : 1;
