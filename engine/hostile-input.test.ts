import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parseJsonBody } from './api/json-body.ts';
import { loadCompose } from './compose/load.ts';
import { parseBind } from './containers/bind-spec.ts';
import { createFrameStripper, frameHeader } from './containers/frames.ts';
import { parseDetachKeys } from './containers/detach-keys.ts';
import { normalizeName } from './containers/names.ts';
import { normalizePort } from './containers/port-spec.ts';
import { parseDockerfile } from './dockerfile/dockerfile.ts';
import { archiveEntries } from './images/archive-entries.ts';
import { formatReference, parseReference } from './images/reference.ts';
import { EngineError } from './lib/errors.ts';
import { decodeAnswer, encodeQuestion } from './networks/reach/dns-question.ts';
import { parseSubnet } from './networks/subnet.ts';
import { seccompProgram } from './runtime/seccomp.ts';
import { encodeFrame, FrameDecoder } from './runtime/shim-protocol.ts';
import { TarParser } from './tar/tar-parser.ts';
import { Random } from './test/random.ts';
import { tar } from './test/tar-fixture.ts';

/**
 * What strangers send, mutated at random: a parser gives a value or says what is wrong (EngineError, which becomes a
 * 4xx), it never falls over. The seed is fixed: a failure here is a failure everywhere.
 */
const SEED = 20_261_125;
const ROUNDS = 500;

/** The sample with a few bytes changed, doubled, cut out or made special. */
function mutate(random: Random, sample: Buffer): Buffer {
  let bytes = Buffer.from(sample);
  for (let change = random.integer(4) + 1; change > 0; change -= 1) {
    const at = random.integer(bytes.length + 1);
    const length = random.integer(Math.min(12, bytes.length - at + 1));
    const special = random.pick(SPECIAL);
    const middle = [random.bytes(length), Buffer.from(special), Buffer.alloc(0), bytes.subarray(at, at + 40)];
    bytes = Buffer.concat([bytes.subarray(0, at), random.pick(middle), bytes.subarray(at + length)]);
  }
  return bytes;
}

const SPECIAL = [
  '\0',
  '..',
  '/',
  ':',
  '@',
  '\\',
  '"',
  '{',
  '}',
  '[',
  '$',
  '\n',
  '-1',
  '1e999',
  '__proto__',
  'é',
  '\ud83d',
  '9'.repeat(30),
  'a'.repeat(300),
];

/** The error must be the parser's own word. */
function survives(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.kind).not.toBe('internal');
    return undefined;
  }
}

function forEachMutant(samples: readonly (string | Buffer)[], check: (mutant: Buffer) => void): void {
  const random = new Random(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    const mutant = mutate(random, Buffer.from(random.pick(samples)));
    try {
      check(mutant);
    } catch (error) {
      throw new Error(`round ${round}: ${JSON.stringify(mutant.toString('latin1'))}`, { cause: error });
    }
  }
}

describe('any bytes', () => {
  test('as an image reference are refused, or mean the same when written out', () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    forEachMutant(['busybox', 'a.b:5000/c/d_e:tag', `localhost/x@${digest}`, `x:y@${digest}`], (mutant) => {
      const text = mutant.toString();
      const parsed = survives(() => parseReference(text));
      if (parsed === undefined) return;
      const written = formatReference(parsed as ReturnType<typeof parseReference>);
      expect(formatReference(parseReference(written))).toBe(written);
      expect(written).toMatch(/^[\w.:/@[\]-]+$/);
    });
  });

  test('as a container name are refused, or no path', () => {
    forEachMutant(['web', '/web_1', 'a-b.c'], (mutant) => {
      const name = survives(() => normalizeName(mutant.toString()));
      if (name !== undefined) expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
    });
  });

  test('as a bind, a port or detach keys are refused or understood', () => {
    forEachMutant(['/a:/b:ro,rslave', 'volume:/data', '/x:/y:z'], (mutant) => {
      const bind = survives(() => parseBind(mutant.toString()));
      if (bind !== undefined) expect((bind as { destination: string }).destination).toMatch(/^\//);
    });
    forEachMutant(['80/tcp', '8080', '53/udp'], (mutant) => {
      const port = survives(() => normalizePort(mutant.toString()));
      if (port !== undefined) expect(port).toMatch(/^\d{1,5}\/(tcp|udp|sctp)$/);
    });
    forEachMutant(['ctrl-p,ctrl-q', 'a', 'ctrl-@'], (mutant) =>
      survives(() => parseDetachKeys(mutant.toString())),
    );
  });

  test('as a JSON body are an object or refused', () => {
    const request = { headers: { 'content-type': 'application/json' } } as IncomingMessage;
    const body = '{"Image":"x","HostConfig":{"Memory":1,"Binds":["/a:/b"],"X":null},"Cmd":["sh"]}';
    forEachMutant([body], (mutant) => {
      const value = survives(() => parseJsonBody(request, mutant));
      if (value !== undefined) expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    });
  });

  test('as a seccomp profile become a filter or are refused', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [
        { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
        { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 2, op: 'SCMP_CMP_EQ' }] },
      ],
    };
    forEachMutant([JSON.stringify(profile)], (mutant) => {
      const program = survives(() => seccompProgram(mutant.toString(), 0n));
      if (program !== undefined) expect((program as Uint8Array).length % 8).toBe(0);
    });
  });

  test('as a compose file are diagnosed, never thrown', () => {
    const file = `services:
  web:
    image: "nginx:\${TAG:-1}"
    ports: ["8080:80", {target: 90}]
    environment: {A: b}
    depends_on: [db]
    volumes: [data:/data]
  db: {image: x, healthcheck: {test: [CMD, true], interval: 1s}}
volumes: {data: }
`;
    const options = { project: 'p', projectDirectory: '/p', variables: { TAG: 'x' } };
    forEachMutant([file], (mutant) => {
      const { model, diagnostics } = loadCompose(mutant.toString(), options);
      if (model === undefined) expect(diagnostics.length).toBeGreaterThan(0);
    });
  });

  test('as a Dockerfile are parsed or refused with a place', () => {
    const file = `# syntax=x
FROM --platform=linux/amd64 a AS b
ARG X=1
RUN --mount=type=cache,target=/c echo \\
  hi
COPY <<EOF /x
text $X
EOF
HEALTHCHECK --interval=1s CMD ["true"]
ENTRYPOINT ["a", "b"]
`;
    forEachMutant([file], (mutant) => survives(() => parseDockerfile(mutant.toString())));
  });
});

describe('a nameserver', () => {
  const question = encodeQuestion('web.test', 4, 1) ?? Buffer.alloc(0);
  const answer = Buffer.concat([
    question,
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 9]),
  ]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  test('whatever it answers gives addresses or none', () => {
    forEachMutant([answer], (mutant) => {
      const decoded = decodeAnswer(mutant, 4, 1);
      if (decoded && 'addresses' in decoded)
        for (const address of decoded.addresses) expect(parseSubnet(`${address}/32`)).toBeDefined();
    });
  });
});

describe('an archive', () => {
  const archive = tar([
    { name: 'manifest.json', content: '[{"Config":"c.json"}]' },
    { name: 'd/', type: 'directory' },
    { name: 'd/l', type: 'symlink', link: '../manifest.json' },
    { name: 'h', type: 'hard-link', link: 'd/l' },
    { name: 'x', type: 'pax', content: '20 path=other/name\n11 size=3\n' },
    { name: 'short', content: 'abc' },
  ]);
  test('however damaged is read piece by piece to its end or refused', () => {
    const random = new Random(SEED);
    forEachMutant([archive], (mutant) => {
      survives(() => {
        let declared = 0;
        let received = 0;
        const parser = new TarParser({
          entry: ({ type, size }) => (declared += type === 'file' ? size : 0),
          data: (chunk) => (received += chunk.length),
        });
        for (let at = 0; at < mutant.length;) {
          const length = random.integer(700) + 1;
          parser.push(mutant.subarray(at, at + length));
          at += length;
        }
        expect(received).toBeLessThanOrEqual(declared);
        expect(received).toBeLessThanOrEqual(mutant.length);
      });
    });
  });

  test('of images however damaged gives only its own bytes, or is refused', async () => {
    const random = new Random(SEED);
    for (let round = 0; round < 300; round += 1) {
      const mutant = mutate(random, archive);
      let received = 0;
      try {
        for await (const { name, link, content } of archiveEntries(Readable.from(pieces(random, mutant)))) {
          expect(`/${name}/${link ?? ''}/`).not.toContain('/../');
          for await (const bytes of content) received += bytes.length;
        }
      } catch (error) {
        if (!(error instanceof EngineError)) throw new Error(`round ${round}`, { cause: error });
      }
      expect(received).toBeLessThanOrEqual(mutant.length);
    }
  });
});

describe('frames', () => {
  test('of a shim are the same however they are cut', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 300; round += 1) {
      const sent = Array.from({ length: random.integer(6) + 1 }, () => ({
        request: random.integer(2 ** 32),
        type: random.integer(256),
        payload: random.bytes(random.integer(60)),
      }));
      const wire = Buffer.concat(
        sent.map(({ request, type, payload }) => encodeFrame(request, type, payload)),
      );
      const decoder = new FrameDecoder();
      const received: object[] = [];
      for (const piece of pieces(random, wire)) {
        decoder.push(piece);
        for (let frame = decoder.next(); frame; frame = decoder.next()) received.push(frame);
      }
      expect(received).toEqual(sent);
      expect(decoder.rest()).toHaveLength(0);
    }
  });

  test('of output lose their headers and nothing else', async () => {
    const random = new Random(SEED);
    for (let round = 0; round < 100; round += 1) {
      const payloads = Array.from({ length: random.integer(5) + 1 }, () => random.bytes(random.integer(50)));
      const wire = Buffer.concat(
        payloads.flatMap((payload) => [frameHeader('stdout', payload.length), payload]),
      );
      const stripper = createFrameStripper();
      for (const piece of pieces(random, wire)) stripper.write(piece);
      stripper.end();
      const chunks: Buffer[] = [];
      for await (const chunk of stripper) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks)).toEqual(Buffer.concat(payloads));
    }
  });
});

function* pieces(random: Random, bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = random.integer(20) + 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
