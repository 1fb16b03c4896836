import type { LogSource } from './driver.ts';

/** A container for tests of drivers. */
export function makeSource(
  driver: string,
  options: LogSource['options'] = {},
  more: Partial<LogSource> = {},
): LogSource {
  return {
    id: 'ab'.repeat(32),
    name: 'web',
    imageId: `sha256:${'cd'.repeat(32)}`,
    imageName: 'nginx:1',
    command: ['nginx', '-g', 'daemon off;'],
    labels: { team: 'sea', 'com.example.tier': 'front', other: 'x' },
    env: ['MODE=a=b', 'COLOUR=red', 'ODD'],
    createdAt: '2026-01-01T00:00:00Z',
    driver,
    options,
    directory: '/data/c',
    ...more,
  };
}
