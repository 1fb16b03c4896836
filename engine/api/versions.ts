import { invalidArgument } from '../lib/errors.ts';
import type { ApiVersion } from './route.ts';

/** Range of Docker Engine API versions that a path prefix may name. */
export const MINIMUM_API_VERSION = '1.24';
export const MAXIMUM_API_VERSION = '1.56';

const PREFIX = /^\/v([0-9][0-9.]*)(?=\/)/;

/**
 * Splits `/v1.43/containers/json` into version and path; a path without a prefix gets the newest version.
 * Throws 400 with Docker's text for a version outside the range.
 */
export function negotiateVersion(path: string): { apiVersion: ApiVersion; path: string } {
  const asked = PREFIX.exec(path)?.[1];
  if (asked === undefined) return { apiVersion: apiVersion(MAXIMUM_API_VERSION), path };
  if (compareVersions(asked, MINIMUM_API_VERSION) < 0) {
    throw invalidArgument(
      `client version ${asked} is too old. Minimum supported API version is ${MINIMUM_API_VERSION}, ` +
        'please upgrade your client to a newer version',
    );
  }
  if (compareVersions(asked, MAXIMUM_API_VERSION) > 0) {
    throw invalidArgument(
      `client version ${asked} is too new. Maximum supported API version is ${MAXIMUM_API_VERSION}`,
    );
  }
  return { apiVersion: apiVersion(asked), path: path.slice(asked.length + 2) };
}

function apiVersion(version: string): ApiVersion {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { major, minor, atLeast: (other) => compareVersions(version, other) >= 0 };
}

/** Numeric, component by component: 1.9 < 1.24. A missing component counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
