// oxlint-disable no-unmodified-loop-condition, no-restricted-imports -- development only, never part of the bundle
import { setTimeout as wait } from 'node:timers/promises';
import type { LogEntry, StatsPoint, TerminalEvent, TransferStep } from '../../electron/api/types.ts';

/** Statistics that look alive: a wandering CPU, slowly growing memory. */
export async function* fakeStats(seed: number, signal: AbortSignal | undefined): AsyncGenerator<StatsPoint> {
  let cpu = 5 + ((seed * 13) % 60);
  let memory = (40 + ((seed * 29) % 300)) * 1024 * 1024;
  for (;;) {
    cpu = Math.max(
      0.1,
      cpu + (Math.random() - 0.5) * 14 + (Math.random() > 0.93 ? 35 : 0) - (cpu > 70 ? 12 : 0),
    );
    memory = Math.max(8e6, memory + (Math.random() - 0.45) * 2e6);
    yield {
      time: Date.now(),
      cpuPercent: cpu,
      cpuUserPercent: cpu * 0.7,
      cpuSystemPercent: cpu * 0.3,
      onlineCpus: 4,
      throttledPercent: cpu > 80 ? 4 : 0,
      memoryBytes: memory,
      memoryCacheBytes: memory * 0.3,
      memoryLimitBytes: 512 * 1024 * 1024,
      networkRxBytesPerSecond: Math.random() * 240_000,
      networkTxBytesPerSecond: Math.random() * 90_000,
      interfaces: [
        {
          name: 'eth0',
          rxBytesPerSecond: Math.random() * 240_000,
          txBytesPerSecond: Math.random() * 90_000,
        },
      ],
      blockReadBytesPerSecond: Math.random() > 0.7 ? Math.random() * 4e6 : 0,
      blockWriteBytesPerSecond: Math.random() * 900_000,
      pids: 14,
    };
    await wait(1000, undefined, { signal });
  }
}

const messages = [
  '\u001B[32mINFO\u001B[0m  listening on :3000',
  '\u001B[2mGET\u001B[0m /api/orders \u001B[32m200\u001B[0m 12 ms',
  '\u001B[2mGET\u001B[0m /api/orders/4711 \u001B[33m404\u001B[0m 3 ms',
  '\u001B[33mWARN\u001B[0m  slow query: 1 204 ms SELECT * FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT 50',
  '\u001B[1;31mERROR\u001B[0m could not reach \u001B[4mpayments\u001B[0m: connect ECONNREFUSED 10.0.0.7:443',
  '주문 4711이 접수되었습니다: 합계 ₩128,000',
  '{"level":"info","msg":"job finished","durationMs":812,"items":1532}',
  '\u001B[38;5;208mcache\u001B[0m hit ratio \u001B[1m0.93\u001B[0m \u001B[48;2;40;80;160m\u001B[97m blue \u001B[0m',
];

function logLine(index: number, time: number): LogEntry {
  return {
    stream: index % 5 === 4 ? 'stderr' : 'stdout',
    timestamp: new Date(time).toISOString().replace('Z', '000000Z'),
    text: messages[(index * 7) % messages.length] ?? '',
  };
}

export async function* fakeLogs(
  follow: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEntry[]> {
  const start = Date.now() - 5000 * 400;
  yield Array.from({ length: 5000 }, (_, index) => logLine(index, start + index * 400));
  for (let index = 5000; follow; index += 1) {
    await wait(350, undefined, { signal });
    yield [logLine(index, Date.now())];
  }
}

/** An echo “shell” that is enough to draw and to type into. */
export function createFakeTerminals() {
  const sessions = new Map<string, (data: string) => void>();
  async function* open(signal: AbortSignal | undefined): AsyncGenerator<TerminalEvent> {
    const sessionId = Math.random().toString(36).slice(2);
    const queue: TerminalEvent[] = [
      { type: 'ready', sessionId },
      { type: 'data', data: '\u001B[1;34m/usr/src/app\u001B[0m # ' },
    ];
    let wake: () => void = () => undefined;
    const push = (event: TerminalEvent) => {
      queue.push(event);
      wake();
    };
    let line = '';
    sessions.set(sessionId, (data) => {
      for (const character of data) {
        if (character === '\r') {
          if (line === 'exit') push({ type: 'exit', code: 0 });
          else
            push({
              type: 'data',
              data: `\r\n${line && `sh: ${line}: not found\r\n`}\u001B[1;34m/usr/src/app\u001B[0m # `,
            });
          line = '';
        } else {
          line += character;
          push({ type: 'data', data: character });
        }
      }
    });
    signal?.addEventListener('abort', () => wake());
    while (!signal?.aborted) {
      const event = queue.shift();
      if (event) {
        yield event;
        if (event.type === 'exit') return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return { open, write: (sessionId: string, data: string) => sessions.get(sessionId)?.(data) };
}

export async function* fakeTransfer(): AsyncGenerator<TransferStep, void> {
  const layers = ['3f4d90098f5b', 'a1b2c3d4e5f6', '0c1d2e3f4a5b'];
  const whole = { layer: undefined, current: undefined, total: undefined };
  for (const layer of layers) yield { ...whole, layer, status: 'Pulling fs layer' };
  for (const [index, layer] of layers.entries()) {
    const total = 90_000_000 / (index + 1);
    for (let current = 0; current < total; current += 3_000_000) {
      await wait(100);
      yield { layer, status: 'Downloading', current, total };
    }
    yield { ...whole, layer, status: 'Pull complete' };
  }
  yield { ...whole, status: 'Status: Downloaded newer image' };
}
