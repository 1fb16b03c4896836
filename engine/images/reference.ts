import { invalidArgument } from '../lib/errors.ts';

/** An image reference in canonical form: `docker.io/library/busybox` + tag and/or digest. */
export interface Reference {
  /** With domain, e.g. `docker.io/library/busybox`. */
  name: string;
  tag: string | undefined;
  /** `sha256:…` */
  digest: string | undefined;
}

const DEFAULT_DOMAIN = 'docker.io';
const OFFICIAL = 'library/';

// The grammar of github.com/distribution/reference, in its documentation's words.
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = `(?:${DOMAIN}/)?${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(${NAME})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const SHA256 = /^sha256:[0-9a-f]{64}$/;
const HEX64 = /^[0-9a-f]{64}$/;
const MAX_NAME = 255;

/** True for a whole `sha256:<64 hex>`. */
export function isSha256(text: string): boolean {
  return SHA256.test(text);
}

/**
 * Parses what a user typed (`busybox`, `localhost:5000/a/b:tag`, `x@sha256:…`) by Docker's rules; a missing tag stays
 * missing. Throws invalid-argument with Docker's texts.
 */
export function parseReference(text: string): Reference {
  if (HEX64.test(text)) {
    throw invalidArgument(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings: invalid reference format`,
    );
  }
  const { domain, remainder } = splitDomain(text);
  const remoteName = remainder.split(/[:@]/, 1)[0] ?? '';
  if (remoteName !== remoteName.toLowerCase()) {
    throw invalidArgument(`invalid reference format: repository name (${remoteName}) must be lowercase`);
  }
  const match = REFERENCE.exec(`${domain}/${remainder}`);
  const name = match?.[1];
  const digest = match?.[3];
  if (!match || name === undefined || (digest !== undefined && !SHA256.test(digest))) {
    throw invalidArgument('invalid reference format');
  }
  if (name.length > MAX_NAME) {
    throw invalidArgument(
      `invalid reference format: repository name must not be more than ${MAX_NAME} characters`,
    );
  }
  return { name, tag: match[2], digest };
}

/** A first component is a registry only when it looks like a host: has a dot or port, or is `localhost`. */
function splitDomain(text: string): { domain: string; remainder: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const domain = slash > 0 && isHost ? first : DEFAULT_DOMAIN;
  let remainder = slash > 0 && isHost ? text.slice(slash + 1) : text;
  const canonical = domain === 'index.docker.io' ? DEFAULT_DOMAIN : domain;
  if (canonical === DEFAULT_DOMAIN && !remainder.includes('/')) remainder = OFFICIAL + remainder;
  return { domain: canonical, remainder };
}

/** `:latest` where there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: 'latest' };
}

/** `docker.io/library/busybox` → `busybox`: how Docker shows names. */
export function familiarName(name: string): string {
  const prefix = `${DEFAULT_DOMAIN}/`;
  if (!name.startsWith(prefix)) return name;
  const path = name.slice(prefix.length);
  return path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : path;
}

/** Canonical text, the key of the reference store. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.name}${tag}${digest}`;
}

/** Familiar text, as Docker shows it. */
export function formatFamiliar(reference: Reference): string {
  return formatReference({ ...reference, name: familiarName(reference.name) });
}
