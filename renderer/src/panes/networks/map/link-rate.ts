import type { StatsPoint } from '../../../../../electron/api/types.ts';
import type { MapNode } from './map-model.ts';

/** Bytes per second. */
export interface LinkRate {
  received: number;
  sent: number;
}

/** What a container's link to a network carries; undefined before it is known, or where an engine does not tell. */
export function rateOf(
  point: StatsPoint | undefined,
  { networks }: Pick<MapNode, 'networks'>,
  { interfaceName }: Pick<MapNode['networks'][number], 'interfaceName'>,
): LinkRate | undefined {
  if (!point) return undefined;
  const counted = point.interfaces.find(({ name }) => name === interfaceName);
  if (counted) return { received: counted.rxBytesPerSecond, sent: counted.txBytesPerSecond };
  // The only network has all that is counted.
  if (networks.length !== 1) return undefined;
  return { received: point.networkRxBytesPerSecond, sent: point.networkTxBytesPerSecond };
}

const WIDTHS = { idle: 1.25, most: 5 };

/** In pixels: one more for each factor of ten above a kilobyte per second. */
export function strokeOf(rate: LinkRate | undefined): number {
  const bytes = rate ? rate.received + rate.sent : 0;
  if (bytes < 1) return WIDTHS.idle;
  return Math.min(WIDTHS.most, WIDTHS.idle + 0.5 + Math.max(0, Math.log10(bytes / 1000)));
}
