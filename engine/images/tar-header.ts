const BLOCK = 512;
const MAX_OCTAL_SIZE = 0o77777777777;

/** Zero bytes that fill a file's content up to a whole block. */
export const tarPadding = (sizeBytes: number): Buffer => Buffer.alloc(-sizeBytes & (BLOCK - 1));

/** The mark at an archive's end. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

interface TarItem {
  /** At most 100 bytes. */
  name: string;
  type: 'file' | 'directory';
  sizeBytes: number;
  /** Unix seconds. */
  modifiedAt: number;
}

/** The ustar header of a file or directory that belongs to root. */
export function tarHeader({ name, type, sizeBytes, modifiedAt }: TarItem): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  };
  if (Buffer.byteLength(name) > 100) throw new Error(`tar name too long: ${name}`);
  header.write(name, 0, 'utf8');
  octal(type === 'directory' ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (sizeBytes <= MAX_OCTAL_SIZE) octal(sizeBytes, 124, 12);
  else {
    // GNU base-256, as every reader of such files knows it.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  octal(Math.max(0, modifiedAt), 136, 12);
  header.fill(' ', 148, 156);
  header.write(type === 'directory' ? '5' : '0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
