import { describe, expect, it } from 'vitest';
import { argvOf, mergeConfig } from './config-merge.ts';

describe('mergeConfig', () => {
  const image = {
    Entrypoint: ['/entry'],
    Cmd: ['serve'],
    Env: ['PATH=/bin', 'MODE=image'],
    Labels: { from: 'image', both: 'image' },
    WorkingDir: '/srv',
    User: 'app',
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/data': {} },
    StopSignal: 'SIGQUIT',
  };

  it('takes everything from the image when the request is empty', () => {
    const merged = mergeConfig({}, image);
    expect(argvOf(merged)).toEqual(['/entry', 'serve']);
    expect(merged).toMatchObject({ WorkingDir: '/srv', User: 'app', StopSignal: 'SIGQUIT' });
    expect(merged.Volumes).toEqual({ '/data': {} });
  });

  it('replaces Cmd and keeps the entrypoint', () => {
    expect(argvOf(mergeConfig({ Cmd: ['check'] }, image))).toEqual(['/entry', 'check']);
  });

  it('drops the image command when the request has an entrypoint', () => {
    expect(argvOf(mergeConfig({ Entrypoint: ['/other'] }, image))).toEqual(['/other']);
  });

  it('resets the entrypoint by the empty string and by the empty list', () => {
    expect(argvOf(mergeConfig({ Entrypoint: [''], Cmd: ['sh'] }, image))).toEqual(['sh']);
    expect(argvOf(mergeConfig({ Entrypoint: [] }, image))).toEqual(['serve']);
  });

  it('unites environment, labels and ports by key, the request winning', () => {
    const merged = mergeConfig(
      { Env: ['MODE=mine', 'UNSET'], Labels: { both: 'mine' }, ExposedPorts: { '90/udp': {} } },
      image,
    );
    expect(merged.Env).toEqual(['MODE=mine', 'UNSET', 'PATH=/bin']);
    expect(merged.Labels).toEqual({ from: 'image', both: 'mine' });
    expect(Object.keys(merged.ExposedPorts ?? {}).sort()).toEqual(['80/tcp', '90/udp']);
  });

  it('completes a health check from the image field by field', () => {
    const merged = mergeConfig(
      { Healthcheck: { Interval: 5 } },
      { ...image, Healthcheck: { Test: ['CMD', 'true'], Retries: 4 } },
    );
    expect(merged.Healthcheck).toMatchObject({ Test: ['CMD', 'true'], Interval: 5, Retries: 4 });
  });

  it('refuses a container without a command', () => {
    expect(() => mergeConfig({}, {})).toThrow('no command specified');
  });

  it('refuses an environment entry without a name', () => {
    expect(() => mergeConfig({ Env: ['=x'] }, image)).toThrow('invalid environment variable: =x');
  });
});
