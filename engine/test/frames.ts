interface Frame {
  stream: number;
  text: string;
}

/** Docker's multiplexed stream, taken apart; throws on a frame that does not end. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    if (end > bytes.length) throw new Error('truncated frame');
    frames.push({ stream: bytes[at] ?? 0, text: bytes.toString('utf8', at + 8, end) });
    at = end;
  }
  return frames;
}
