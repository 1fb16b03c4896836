import { Transform } from 'node:stream';

/** First byte of a frame of Docker's multiplexed stream. */
const STREAM_CODES = { stdin: 0, stdout: 1, stderr: 2 } as const;
export const FRAME_HEADER_BYTES = 8;

/** `[stream, 0, 0, 0, length as 32 bits big-endian]`. Source: Engine API, ContainerAttach, "Stream format". */
export function frameHeader(stream: 'stdout' | 'stderr', payloadBytes: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header[0] = STREAM_CODES[stream];
  header.writeUInt32BE(payloadBytes, 4);
  return header;
}

/** Every chunk becomes a frame of `stream`. */
export function createFramer(stream: 'stdout' | 'stderr'): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.concat([frameHeader(stream, chunk.length), chunk]));
    },
  });
}

/** Takes the frame headers out: stdout and stderr in the order they came. */
export function createFrameStripper(): Transform {
  let header = Buffer.alloc(0);
  let remaining = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk;
      while (rest.length > 0) {
        if (remaining > 0) {
          const payload = rest.subarray(0, remaining);
          this.push(payload);
          remaining -= payload.length;
          rest = rest.subarray(payload.length);
          continue;
        }
        const missing = FRAME_HEADER_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < FRAME_HEADER_BYTES) break;
        remaining = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      }
      done();
    },
  });
}
