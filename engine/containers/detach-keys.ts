import { Transform } from 'node:stream';
import { invalidArgument } from '../lib/errors.ts';

/** ctrl-p, ctrl-q. */
const DEFAULT_KEYS = Uint8Array.of(16, 17);

/** `ctrl-p,ctrl-q` → control bytes; '' or absent: the default. 400 with Docker's text, which names them as `what`. */
export function parseDetachKeys(text: string | undefined, what = 'detach keys'): Uint8Array {
  if (!text) return DEFAULT_KEYS;
  return Uint8Array.from(
    text.split(',').map((key) => {
      if (key.length === 1) return key.charCodeAt(0) & 0xff;
      const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
      if (control === undefined) {
        throw invalidArgument(`Invalid ${what} (${text}) provided`);
      }
      return control.toUpperCase().charCodeAt(0) - 64;
    }),
  );
}

/**
 * Passes input through, holding back a prefix of the detach sequence until it is known whether the rest follows.
 * When the whole sequence has been typed, calls `onDetach` and swallows everything from the sequence on.
 */
export function createDetachFilter(keys: Uint8Array, onDetach: () => void): Transform {
  let matched = 0;
  let detached = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (detached) return done();
      const passed: number[] = [];
      for (const byte of chunk) {
        if (byte === keys[matched]) {
          matched += 1;
          if (matched === keys.length) {
            detached = true;
            if (passed.length > 0) this.push(Buffer.from(passed));
            onDetach();
            return done();
          }
          continue;
        }
        passed.push(...keys.subarray(0, matched));
        matched = byte === keys[0] ? 1 : 0;
        if (matched === 0) passed.push(byte);
      }
      done(null, passed.length > 0 ? Buffer.from(passed) : undefined);
    },
    flush(done) {
      done(null, !detached && matched > 0 ? Buffer.from(keys.subarray(0, matched)) : undefined);
    },
  });
}
