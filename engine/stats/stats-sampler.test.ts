import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SampleReader } from '../runtime/cgroup.ts';
import { createStats, type RunningContainer } from './stats-sampler.ts';
import type { Sample } from './stats.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function fixture() {
  const running = new Map<string, RunningContainer>([['a', { pid: 10 }]]);
  const open = new Set<SampleReader>();
  let reads = 0;
  const stats = createStats({
    lookup: (id) => running.get(id),
    cgroups: {
      openSampler: (_id, pid) => {
        const reader: SampleReader = {
          read: () => ({ readAt: pid * 1000 + ++reads }) as Sample,
          close: () => void open.delete(reader),
        };
        open.add(reader);
        return reader;
      },
    },
  });
  return { running, open, stats, reads: () => reads };
}

describe('the sampler', () => {
  test('reads a container once a second for all of its listeners', () => {
    const { stats, reads, open } = fixture();
    const seen: (number | undefined)[] = [];
    const ends = [1, 2, 3].map(() => stats.subscribe('a', (sample) => seen.push(sample?.readAt)));
    expect(reads()).toBe(3);
    vi.advanceTimersByTime(2000);
    expect(reads()).toBe(5);
    expect(seen).toHaveLength(9);
    expect(open.size).toBe(1);
    for (const end of ends) end();
    expect(open.size).toBe(0);
  });

  test('has no timer while nobody listens', () => {
    const { stats, reads } = fixture();
    expect(vi.getTimerCount()).toBe(0);
    const end = stats.subscribe('a', () => undefined);
    expect(vi.getTimerCount()).toBe(1);
    end();
    end();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(reads()).toBe(1);
  });

  test('says undefined while the container is stopped and reads the new run afterwards', () => {
    const { stats, running, open } = fixture();
    const seen: (number | undefined)[] = [];
    stats.subscribe('a', (sample) => seen.push(sample?.readAt));
    running.delete('a');
    vi.advanceTimersByTime(1000);
    expect(open.size).toBe(0);
    running.set('a', { pid: 11 });
    vi.advanceTimersByTime(1000);
    expect(seen).toEqual([10_001, undefined, 11_002]);
    stats.close();
    expect(open.size).toBe(0);
  });

  test('one sample keeps nothing open', () => {
    const { stats, open } = fixture();
    expect(stats.oneShot('a')?.readAt).toBe(10_001);
    expect(stats.oneShot('b')).toBeUndefined();
    expect(open.size).toBe(0);
  });

  test('a listener that ends itself does not disturb the others', () => {
    const { stats } = fixture();
    let count = 0;
    const end = stats.subscribe('a', () => {
      if (count++ === 1) end();
    });
    let others = 0;
    stats.subscribe('a', () => (others += 1));
    vi.advanceTimersByTime(3000);
    expect([count, others]).toEqual([2, 4]);
  });
});
