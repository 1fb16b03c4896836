/** A record as the shim writes it; for tests. */
export function record(text: string | Buffer, stream = 1, seconds = 0, nanoseconds = 0): Buffer {
  const bytes = Buffer.from(text as string);
  const head = Buffer.alloc(16);
  [seconds, nanoseconds, bytes.length, stream].forEach((value, index) =>
    head.writeUInt32LE(value, 4 * index),
  );
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(bytes.length);
  return Buffer.concat([head, bytes, tail]);
}
