import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { parseDetachKeys } from './detach-keys.ts';
import { connectStreams } from './stream-bridge.ts';

/** Two ends of a connection in memory: what is written into one is read from the other; half-close as on sockets. */
function pair(): [Duplex, Duplex] {
  const make = (peer: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk, _encoding, done) {
        peer().push(chunk);
        done();
      },
      final(done) {
        peer().push(null);
        done();
      },
    });
  const one: Duplex = make(() => other);
  const other: Duplex = make(() => one);
  return [one, other];
}

function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  return new Promise((resolve) => stream.on('end', () => resolve(text)));
}

it('ends the client only after all output and what it was told to wait for', async () => {
  const [client, user] = pair();
  const [stdio, process] = pair();
  let release = (): void => undefined;
  const endAfter = new Promise<void>((resolve) => (release = resolve));
  const ended = connectStreams(client, stdio, { stdin: true, detachKeys: undefined, endAfter });
  const output = textOf(user);
  process.end('all of it');
  expect(await ended).toBe('finished');
  expect(client.writableEnded).toBe(false);
  release();
  expect(await output).toBe('all of it');
});

it('passes end of input on and keeps the output open', async () => {
  const [client, user] = pair();
  const [stdio, process] = pair();
  const ended = connectStreams(client, stdio, { stdin: true, detachKeys: undefined });
  const output = textOf(user);
  user.end('input');
  expect(await textOf(process)).toBe('input');
  process.end('answer');
  expect(await output).toBe('answer');
  expect(await ended).toBe('finished');
});

it('leaves the process alone when the detach keys are typed', async () => {
  const [client, user] = pair();
  const [stdio, process] = pair();
  const ended = connectStreams(client, stdio, { stdin: true, detachKeys: parseDetachKeys('x,y') });
  process.write('prompt');
  user.write('lsxy');
  expect(await ended).toBe('detached');
  expect(await textOf(user)).toBe('prompt');
});
