/**
 * The type among `offers` that an Accept header names with the greatest weight; the earlier offer among equals.
 * undefined when it names none of them: wildcards do not count, a client that has them takes anything.
 */
export function acceptedType(accept: string | undefined, offers: readonly string[]): string | undefined {
  const weights = new Map((accept ?? '').split(',').map(parseRange));
  const weightOf = (offer: string): number => weights.get(offer) ?? 0;
  const best = Math.max(0, ...offers.map(weightOf));
  return best > 0 ? offers.find((offer) => weightOf(offer) === best) : undefined;
}

function parseRange(range: string): [type: string, weight: number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [type, weight === undefined ? 1 : Number(weight) || 0];
}
