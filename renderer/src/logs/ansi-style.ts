import type { CSSProperties } from 'react';
import type { AnsiStyle } from './ansi.ts';

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

function cssColor(color: number | string | undefined): string | undefined {
  if (typeof color !== 'number') return color;
  return `var(--ansi-${color >= 8 ? 'bright-' : ''}${names[color % 8] ?? 'white'})`;
}

/** How a segment is drawn, in the theme's colours. */
export function toCss(style: AnsiStyle): CSSProperties | undefined {
  if (Object.keys(style).length === 0) return undefined;
  const color = cssColor(style.color);
  const background = cssColor(style.background);
  return {
    color: style.inverse ? (background ?? 'var(--canvas)') : color,
    backgroundColor: style.inverse ? (color ?? 'var(--text)') : background,
    fontWeight: style.bold ? 700 : undefined,
    opacity: style.dim ? 0.65 : undefined,
    fontStyle: style.italic ? 'italic' : undefined,
    textDecoration: style.underline ? 'underline' : undefined,
  };
}
