import { expect, test } from 'vitest';
import { applyChanges } from './config-changes.ts';

test.each([
  ['CMD ["a", "b c"]', { Cmd: ['a', 'b c'] }],
  ['cmd echo $HOME', { Cmd: ['/bin/sh', '-c', 'echo $HOME'] }],
  ['CMD ["broken"', { Cmd: ['/bin/sh', '-c', '["broken"'] }],
  ['ENTRYPOINT ["/x"]', { Entrypoint: ['/x'] }],
  ['ENV A=1 B="two words" C=a\\ b', { Env: ['OLD=x', 'A=1', 'B=two words', 'C=a b'] }],
  ['ENV OLD new value', { Env: ['OLD=new value'] }],
  ['LABEL "a.b"=c d=', { Labels: { 'a.b': 'c', d: '' } }],
  [
    'EXPOSE 80 53/UDP 8000-8001',
    { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
  ],
  ['VOLUME ["/a", "/b"]', { Volumes: { '/a': {}, '/b': {} } }],
  ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }],
  ['WORKDIR sub/../other', { WorkingDir: '/old/other' }],
  ['USER 1:2', { User: '1:2' }],
  ['STOPSIGNAL SIGINT', { StopSignal: 'SIGINT' }],
  ['ONBUILD RUN x', { OnBuild: ['RUN x'] }],
  ['HEALTHCHECK NONE', { Healthcheck: { Test: ['NONE'] } }],
  [
    'HEALTHCHECK --interval=5s --retries=2 CMD ["true"]',
    { Healthcheck: { Interval: 5e9, Retries: 2, Test: ['CMD', 'true'] } },
  ],
  ['HEALTHCHECK CMD test -f /x', { Healthcheck: { Test: ['CMD-SHELL', 'test -f /x'] } }],
])('%s changes the configuration', (change, expected) => {
  const before = { Env: ['OLD=x'], WorkingDir: '/old' };
  expect(applyChanges(before, [change])).toEqual({ ...before, ...expected });
});

test.each([
  ['FROM x', 'FROM is not a valid change command'],
  ['RUN x', 'RUN is not a valid change command'],
  ['USER', 'USER requires exactly one argument'],
  ['ENV =x', 'ENV names can not be blank'],
  ['ENV x', 'ENV must have two arguments'],
  ['EXPOSE 70000', 'invalid containerPort: 70000'],
  ['HEALTHCHECK --nope=1 CMD x', 'unknown flag: --nope'],
])('%s is refused: %s', (change, message) => {
  expect(() => applyChanges({}, [change])).toThrow(
    expect.objectContaining({ kind: 'invalid-argument', message }),
  );
});
