import v8 from 'node:v8';
import { EXIT_USAGE, parseCommandLine, USAGE } from './command-line.ts';
import { startDaemon } from './daemon.ts';
import { runFsck } from './fsck.ts';
import { EngineError, messageOf } from './lib/errors.ts';
import { createLogger } from './lib/logger.ts';
import { VERSION } from './lib/version.ts';
import { launchRootless } from './rootless/launch.ts';
import { enterDelegatedCgroup, leaveDelegatedCgroup } from './runtime/cgroups/delegation.ts';

// The young generation keeps its first size: grown under load it costs 30 MiB that are given back only late.
v8.setFlagsFromString('--semi-space-growth-factor=1');

// A closed pipe on our output must not end the engine.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv[0] === 'fsck') {
    process.exitCode = await runFsck(argv.slice(1), createLogger('warn'));
    return;
  }
  const options = parseCommandLine(argv);
  if (options === 'help' || options === 'version') {
    process.stdout.write(options === 'help' ? USAGE : `${VERSION}\n`);
    return;
  }
  const logger = createLogger(options.logLevel);
  process.on('unhandledRejection', (error) => {
    logger.error('unhandled rejection', { error: error instanceof Error ? error.stack : String(error) });
  });
  if (process.getuid?.() !== 0) {
    process.exitCode = await launchRootless(options, {
      enter: enterDelegatedCgroup,
      leave: leaveDelegatedCgroup,
    });
    return;
  }
  const daemon = await startDaemon(options, logger);
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info('stopping, containers go on', { signal });
    daemon.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('stop failed', { error: messageOf(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // An engine sees few requests: functions learn from their first call on what to be compiled for, not from their ninth.
  v8.setFlagsFromString('--no-lazy-feedback-allocation');
  process.stdout.write(`listening on unix://${options.socketPath}\n`);
}

main().catch((error: unknown) => {
  if (error instanceof EngineError) {
    process.stderr.write(`engine: ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}\n`);
    process.exit(EXIT_USAGE);
  }
  process.stderr.write(`engine: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
