import type { AnsiSegment } from './ansi.ts';
import type { LogLine } from './log-buffer.ts';

/** Lines that contain the text, whatever the case. */
export function filterLines(lines: readonly LogLine[], text: string): readonly LogLine[] {
  if (!text) return lines;
  const wanted = text.toLowerCase();
  return lines.filter((line) => line.plain.toLowerCase().includes(wanted));
}

/** Indexes of the lines with a match. */
export function findMatches(lines: readonly LogLine[], text: string): number[] {
  if (!text) return [];
  const wanted = text.toLowerCase();
  const found: number[] = [];
  lines.forEach((line, index) => {
    if (line.plain.toLowerCase().includes(wanted)) found.push(index);
  });
  return found;
}

interface MarkedSegment extends AnsiSegment {
  marked: boolean;
}

/** Cuts styled segments at the matches; a match may run across several segments. */
export function markSegments(segments: readonly AnsiSegment[], text: string): MarkedSegment[] {
  if (!text) return segments.map((segment) => ({ ...segment, marked: false }));
  const plain = segments
    .map((segment) => segment.text)
    .join('')
    .toLowerCase();
  const wanted = text.toLowerCase();
  const ranges: [number, number][] = [];
  for (let at = plain.indexOf(wanted); at >= 0; at = plain.indexOf(wanted, at + wanted.length)) {
    ranges.push([at, at + wanted.length]);
  }
  const marked: MarkedSegment[] = [];
  let start = 0;
  for (const segment of segments) {
    const end = start + segment.text.length;
    const cuts = [start, end, ...ranges.flat().filter((cut) => cut > start && cut < end)].sort(
      (a, b) => a - b,
    );
    for (let index = 0; index + 1 < cuts.length; index += 1) {
      const from = cuts[index] ?? start;
      const to = cuts[index + 1] ?? end;
      if (to === from) continue;
      marked.push({
        text: segment.text.slice(from - start, to - start),
        style: segment.style,
        marked: ranges.some(([rangeFrom, rangeTo]) => from >= rangeFrom && to <= rangeTo),
      });
    }
    start = end;
  }
  return marked;
}
