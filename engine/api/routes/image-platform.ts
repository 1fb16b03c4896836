import type { CatalogImage } from '../../images/image-catalog.ts';
import { invalidArgument, messageOf, notFound } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import type { RouteContext } from '../route.ts';

interface Platform {
  os: string;
  architecture: string;
  variant: string;
}

const show = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** The JSON platform of a request, from API `since` on; undefined: none was asked for. Throws invalid-argument. */
export function askedPlatform(
  { query, apiVersion }: RouteContext,
  since: string,
  parameter = 'platform',
): Platform | undefined {
  const text = query.string(parameter);
  if (!text || !apiVersion.atLeast(since)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`failed to parse platform: ${messageOf(error)}`, { cause: error });
  }
  const { os, architecture, variant } = isObject(value) ? value : {};
  if (
    typeof os !== 'string' ||
    typeof architecture !== 'string' ||
    !['string', 'undefined'].includes(typeof variant)
  )
    throw invalidArgument('failed to parse platform: both OS and Architecture must be set');
  return { os, architecture, variant: typeof variant === 'string' ? variant : '' };
}

/** An image here is of one platform: throws not-found when another one was asked for. */
export function requirePlatform(image: CatalogImage, name: string, wanted: Platform | undefined): void {
  if (!wanted) return;
  const { os, architecture, variant = '' } = image.config;
  const same =
    os === wanted.os &&
    architecture === wanted.architecture &&
    (wanted.variant === '' || wanted.variant === variant);
  if (same) return;
  const own = show({ os, architecture, variant });
  throw notFound(
    `image with reference ${name} was found but its platform (${own}) does not match the specified platform (${show(wanted)})`,
  );
}
