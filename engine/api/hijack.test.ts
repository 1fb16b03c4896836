import type { IncomingMessage } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { clientHasSwitched } from './hijack.ts';

afterEach(() => void vi.useRealTimers());

const from = (agent: string | undefined): IncomingMessage =>
  ({ headers: { 'user-agent': agent } }) as IncomingMessage;

test.each(['docker-sdk-python/7.1.0', 'docker-compose/1.29.2 docker-py/5.0.3 Linux/6.1'])(
  '%s gets the time to read the head',
  async (agent) => {
    const order: string[] = [];
    const waiting = clientHasSwitched(from(agent)).then(() => order.push('switched'));
    await new Promise((resolve) => setTimeout(resolve, 1));
    order.push('later');
    await waiting;
    expect(order).toEqual(['later', 'switched']);
  },
);

test.each([undefined, 'Docker-Client/28.2.2 (linux)', 'Go-http-client/1.1', 'my-docker-python/1'])(
  'nobody else waits: %s',
  async (agent) => {
    vi.useFakeTimers();
    await clientHasSwitched(from(agent));
    expect(vi.getTimerCount()).toBe(0);
  },
);
