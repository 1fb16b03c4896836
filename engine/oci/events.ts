import { setTimeout as delay } from 'node:timers/promises';
import { conflict, invalidArgument } from '../lib/errors.ts';
import type { Sample } from '../stats/stats.ts';
import { isAlive, loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { onlyId, parseFlags } from './flags.ts';

/** `events [--stats] [--interval 5s] ID`: runc's lines of JSON, one or one per interval. */
export async function events(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, { stats: 'switch', interval: 'text' });
  const state = loadState(context.root, onlyId(rest));
  const status = statusOf(context.root, state);
  if (status === 'stopped') throw conflict(`container with id ${state.id} is not running`);
  const intervalMs = parseInterval(flags.text('interval') ?? '5s');
  const sampler = context.cgroups().openSampler(state.cgroup.id, state.pid, state.cgroup.parent);
  try {
    for (;;) {
      const line = { type: 'stats', id: state.id, data: statsView(sampler.read()) };
      context.print(
        `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}\n`,
      );
      if (flags.isSet('stats')) return 0;
      await delay(intervalMs);
      if (!isAlive(state)) return 0;
    }
  } finally {
    sampler.close();
  }
}

function parseInterval(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const milliseconds = Number(amount) * ({ ms: 1, s: 1000, m: 60_000 }[unit] ?? 1000);
  if (!(milliseconds > 0)) throw invalidArgument('duration interval must be greater than 0');
  return milliseconds;
}

function statsView({ cpu, memory, pids, blockIo }: Sample): object {
  return {
    cpu: {
      usage: { total: cpu.totalNs, percpu: cpu.perCpuNs, kernel: cpu.systemNs, user: cpu.userNs },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledNs,
      },
    },
    memory: {
      cache: memory.stat['cache'] ?? memory.stat['file'] ?? 0,
      usage: {
        limit: memory.limitBytes,
        usage: memory.usageBytes,
        max: memory.maxUsageBytes ?? 0,
        failcnt: memory.failures,
      },
      raw: memory.stat,
    },
    pids: { current: pids.current, limit: pids.limit },
    blkio: { ioServiceBytesRecursive: blockIo.bytes, ioServicedRecursive: blockIo.operations },
  };
}
