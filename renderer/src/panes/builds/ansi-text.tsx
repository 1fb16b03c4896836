import { toCss } from '../../logs/ansi-style.ts';
import { parseAnsi } from '../../logs/ansi.ts';

/** Most lines drawn of one output; its beginning goes first. */
const MAX_LINES = 2000;

/** What a build printed, with its colours: as text, never as markup. */
export function AnsiText({ text, label }: { text: string; label: string }) {
  const lines = text.trimEnd().split('\n').slice(-MAX_LINES);
  return (
    <pre
      aria-label={label}
      role="log"
      aria-live="off"
      data-selectable
      className="bg-sidebar rounded-md px-3 py-2 text-sm [overflow-wrap:anywhere] whitespace-pre-wrap"
    >
      {parseAnsi(lines.map(visible).join('\n')).map((segment, index) => (
        <span key={index} style={toCss(segment.style)}>
          {segment.text}
        </span>
      ))}
    </pre>
  );
}

/** A progress bar draws over its line again and again: what stood there last. */
function visible(line: string): string {
  const ended = line.endsWith('\r') ? line.slice(0, -1) : line;
  return ended.slice(ended.lastIndexOf('\r') + 1);
}
