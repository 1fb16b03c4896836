import { describe, expect, test } from 'vitest';
import { parseRunLine } from './docker-run-line.ts';
import { toRunRequest } from './run-form.ts';
import { joinWords, splitWords } from '../../format/shell-words.ts';

describe('a pasted docker run line', () => {
  test('fills the form', () => {
    const parsed = parseRunLine(`$ docker run -d --name web -p 8080:80 -p 127.0.0.1:53:53/udp \\
      -e A=1 --env 'B=two words' -v data:/data -v /srv:/srv:ro --mount type=tmpfs,target=/run --restart on-failure:5 \\
      --memory=256m --cpus 0.5 --rm nginx:alpine nginx -g 'daemon off;'`);
    expect(parsed?.unsupported).toEqual([]);
    const request = toRunRequest(parsed!.form);
    expect(request).toMatchObject({
      image: 'nginx:alpine',
      name: 'web',
      command: ['nginx', '-g', 'daemon off;'],
      environment: ['A=1', 'B=two words'],
      ports: [
        { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' },
      ],
      mounts: [
        { type: 'volume', source: 'data', target: '/data', readonly: false },
        { type: 'bind', source: '/srv', target: '/srv', readonly: true },
        { type: 'tmpfs', target: '/run' },
      ],
      restartPolicy: 'on-failure',
      restartRetries: 5,
      memoryBytes: 268_435_456,
      nanoCpus: 500_000_000,
      autoRemove: true,
    });
  });

  test('reads bundled short flags with and without a value', () => {
    const form = parseRunLine('docker run -itp8080:80 busybox')!.form;
    expect(form).toMatchObject({ tty: true, openStdin: true, ports: [{ host: '8080', container: '80' }] });
  });

  test('names the flags that the form cannot hold instead of dropping them', () => {
    const parsed = parseRunLine('docker run --gpus all --init --cap-add=NET_ADMIN busybox true')!;
    expect(parsed.unsupported).toEqual(['--gpus all', '--init', '--cap-add=NET_ADMIN']);
    expect(parsed.form.image).toBe('busybox');
  });

  test.each(['docker ps', 'docker run', 'docker run -d', `docker run 'open busybox`, 'echo hello'])(
    '%s is not one',
    (line) => {
      expect(parseRunLine(line)).toBeUndefined();
    },
  );
});

describe('shell words', () => {
  test('joining is the inverse of splitting', () => {
    const words = ['a', 'b c', `it's`, '', '"q"', 'back\\slash', '한 글'];
    expect(splitWords(joinWords(words))).toEqual(words);
  });
});
