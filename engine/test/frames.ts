interface Frame {
  stream: number;
  text: string;
}

/** Docker's multiplexed stream, taken apart. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at + 4);
    frames.push({ stream: bytes[at] ?? 0, text: bytes.toString('utf8', at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return frames;
}
