/** The 12 digits people know an object by. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** An image reference for reading: a bare digest is shortened, everything else is left alone. */
export function imageName(reference: string): string {
  return /^(sha256:)?[0-9a-f]{64}$/.test(reference) ? shortId(reference) : reference;
}
