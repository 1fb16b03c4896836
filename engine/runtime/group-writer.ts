import { invalidArgument } from '../lib/errors.ts';

const FIELD_HEAD_BYTES = 6;

/** Fields of the format that plan-encoding.ts describes, appended to one buffer; the tag counts up by itself, a list gives all its entries the same one. */
export class GroupWriter {
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #end = 0;
  #tag = 0;

  /** The fields so far; the writer is not used any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  magic(value: number): this {
    this.#reserve(4);
    this.#end = this.#buffer.writeUInt32LE(value, this.#end);
    return this;
  }

  u32(value: number): this {
    this.#tag += 1;
    this.#head(4);
    this.#end = this.#buffer.writeUInt32LE(value >>> 0, this.#end);
    return this;
  }

  flag(value: boolean): this {
    return this.u32(value ? 1 : 0);
  }

  u64(value: bigint): this {
    this.#tag += 1;
    this.#head(8);
    this.#end = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.#end);
    return this;
  }

  string(value: string): this {
    return this.strings([value]);
  }

  bytes(value: Uint8Array): this {
    this.#tag += 1;
    this.#head(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  group(write: (group: GroupWriter) => void): this {
    return this.groups([undefined], write);
  }

  strings(values: readonly string[]): this {
    this.#tag += 1;
    for (const value of values) {
      if (value.includes('\0')) throw invalidArgument(`${JSON.stringify(value)} contains a NUL character`);
      const length = Buffer.byteLength(value);
      this.#head(length + 1);
      this.#end += this.#buffer.write(value, this.#end);
      this.#end = this.#buffer.writeUInt8(0, this.#end);
    }
    return this;
  }

  groups<T>(values: readonly T[], write: (group: GroupWriter, value: T) => void): this {
    const tag = this.#tag + 1;
    for (const value of values) {
      this.#tag = tag;
      const head = this.#head(0);
      this.#tag = 0;
      write(this, value);
      this.#buffer.writeUInt32LE(this.#end - head - FIELD_HEAD_BYTES, head + 2);
    }
    this.#tag = tag;
    return this;
  }

  /** Returns where the head is; makes room for the value, too. */
  #head(length: number): number {
    this.#reserve(FIELD_HEAD_BYTES + length);
    const head = this.#end;
    this.#buffer.writeUInt16LE(this.#tag, head);
    this.#end = this.#buffer.writeUInt32LE(length, head + 2);
    return head;
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#end + length));
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }
}
