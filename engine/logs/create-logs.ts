import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, invalidArgument, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { attributesWithTag } from './attributes.ts';
import { bufferBytes, checkCommonOptions, isCacheDisabled, onlyCacheOptions } from './common-options.ts';
import { dialText } from './dial-text.ts';
import type { LogDriver, LogOptions, LogSource } from './driver.ts';
import { entriesPlace, jsonFileDriver, jsonPlace, localDriver, noneDriver } from './file-drivers.ts';
import { fluentdDriver } from './fluentd.ts';
import { LogForwarder } from './forwarder.ts';
import { gelfDriver } from './gelf.ts';
import { createJournaldDriver } from './journald.ts';
import { streamLog } from './log-stream.ts';
import type { Logs } from './logs.ts';
import { PositionFile } from './position.ts';
import type { LogSender } from './sender.ts';
import { createSyslogDriver } from './syslog.ts';

/** How long a container that is to be removed waits for its receiver. Docker's time for closing a logger. */
const SETTLE_MS = 10_000;

interface LogsDeps {
  /** The native helper. */
  binary: string;
  logger: Logger;
  /** Of containers that say nothing of their log. */
  defaults: { driver: string; options: LogOptions };
}

/** Throws 400 for defaults that are wrong. */
export function createLogs({ binary, logger, defaults }: LogsDeps): Logs {
  const drivers = new Map<string, LogDriver>(
    [
      jsonFileDriver,
      localDriver,
      noneDriver,
      createSyslogDriver(binary),
      createJournaldDriver(binary),
      fluentdDriver,
      gelfDriver,
    ].map((driver) => [driver.name, driver]),
  );
  const driverOf = ({ driver: name }: Pick<LogSource, 'driver'>): LogDriver => {
    const driver = drivers.get(name);
    if (!driver) throw invalidArgument(`logger: no log driver named '${name}' is registered`);
    return driver;
  };
  checkOptions(driverOf(defaults), defaults.options);
  return {
    drivers: [...drivers.keys()].filter((name) => name !== noneDriver.name).sort(),
    defaultDriver: defaults.driver,
    complete(config) {
      const Type = config?.Type || defaults.driver;
      const options = Type === defaults.driver ? defaults.options : onlyCacheOptions(defaults.options);
      return { Type, Config: { ...options, ...config?.Config } };
    },
    check: (source) => check(driverOf(source), source),
    plan: (source) => driverOf(source).plan(source),
    pathOf: (source) => (source.driver === jsonFileDriver.name ? jsonPlace(source).path : ''),
    checkRequest(source, { stdout, stderr }) {
      if (!stdout && !stderr) {
        throw invalidArgument('Bad parameters: you must choose at least one stream');
      }
      if (!isReadable(driverOf(source), source)) {
        throw new EngineError('not-implemented', 'configured logging driver does not support reading');
      }
    },
    async read(source, out, request, ended) {
      const driver = driverOf(source);
      if (!isReadable(driver, source)) return;
      const isJson = driver === jsonFileDriver;
      const place = isJson ? jsonPlace(source) : entriesPlace(source);
      const attributes = isJson || !request.details ? undefined : attributesWithTag(source);
      await streamLog({ place, attributes, ended }, out, request);
    },
    ...createForwarding(driverOf, logger),
  };
}

function checkOptions(driver: LogDriver, options: LogOptions): void {
  if (driver !== noneDriver && Object.keys(options).length > 0) driver.check(checkCommonOptions(options));
}

function check(driver: LogDriver, source: LogSource): void {
  if (driver === noneDriver) return;
  driver.check(checkCommonOptions(source.options));
  // What depends on the container: patterns and the tag's template.
  if (driver.createSender) driver.createSender(source);
  else attributesWithTag(source);
}

function isReadable(driver: LogDriver, { options }: LogSource): boolean {
  return driver !== noneDriver && !(driver.createSender && isCacheDisabled(options));
}

type Forwarding = 'connect' | 'started' | 'ended' | 'settle' | 'close';

/** The forwarders of the containers whose driver sends: one each while there is something to send. */
function createForwarding(
  driverOf: (source: LogSource) => LogDriver,
  logger: Logger,
): Pick<Logs, Forwarding> {
  const forwarders = new Map<string, LogForwarder>();
  const begin = (source: LogSource, sender: LogSender, isConnected: boolean): LogForwarder => {
    const forwarder = new LogForwarder(
      {
        container: source.id,
        place: entriesPlace(source),
        positions: new PositionFile(path.join(source.directory, 'log-position')),
        sender,
        bufferBytes: bufferBytes(source.options),
        logger,
      },
      isConnected,
    );
    forwarders.set(source.id, forwarder);
    void forwarder.done.then(() => {
      if (forwarders.get(source.id) === forwarder) forwarders.delete(source.id);
    });
    return forwarder;
  };
  const stop = async (id: string): Promise<void> => {
    await forwarders.get(id)?.close();
    forwarders.delete(id);
  };
  return {
    async connect(source) {
      const sender = driverOf(source).createSender?.(source);
      if (!sender) return;
      let isConnected = false;
      try {
        await sender.open();
        isConnected = true;
      } catch (cause) {
        sender.close();
        if (!sender.lazy)
          throw new EngineError('internal', `failed to initialize logging driver: ${dialText(cause)}`, {
            cause,
          });
      }
      // The one of an earlier run may still be sending: this one goes on where it is.
      await stop(source.id);
      begin(source, sender, isConnected);
    },
    started(source, writer) {
      const sender = forwarders.has(source.id) ? undefined : driverOf(source).createSender?.(source);
      const forwarder = sender ? begin(source, sender, false) : forwarders.get(source.id);
      forwarder?.watchShim((sequence) => {
        writer.logRead(sequence).catch((error: unknown) => {
          logger.debug('telling a shim about its log failed', {
            container: source.id,
            error: messageOf(error),
          });
        });
      });
    },
    ended(source) {
      const sender = forwarders.has(source.id) ? undefined : driverOf(source).createSender?.(source);
      const forwarder = sender ? begin(source, sender, false) : forwarders.get(source.id);
      forwarder?.end();
    },
    async settle(id) {
      const forwarder = forwarders.get(id);
      if (!forwarder) return;
      const given = new AbortController();
      const late = delay(SETTLE_MS, true, { signal: given.signal }).catch(() => false);
      const isLate = await Promise.race([forwarder.done.then(() => false), late]);
      given.abort();
      if (isLate) logger.warn('a log is removed that was not sent entirely', { container: id });
      await stop(id);
    },
    async close() {
      await Promise.all([...forwarders.keys()].map(stop));
    },
  };
}
