import { StringDecoder } from 'node:string_decoder';

interface OutputText {
  stream: 'stdout' | 'stderr';
  text: string;
}

const HEADER_BYTES = 8;

/** Reads Docker's multiplexed stream piece by piece; a character is never cut in two. */
export function createFrameReader(): (chunk: Buffer) => OutputText[] {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let header = Buffer.alloc(0);
  let stream: OutputText['stream'] = 'stdout';
  let left = 0;
  return (chunk) => {
    const texts: OutputText[] = [];
    for (let rest = chunk; rest.length > 0;) {
      if (left === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER_BYTES) break;
        stream = header[0] === 2 ? 'stderr' : 'stdout';
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const payload = rest.subarray(0, left);
      left -= payload.length;
      rest = rest.subarray(payload.length);
      const text = decoders[stream].write(payload);
      if (text !== '') texts.push({ stream, text });
    }
    return texts;
  };
}
