export interface AnsiStyle {
  /** 0–15: palette entry; `#rrggbb`: exact colour. */
  color?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}

export interface AnsiSegment {
  text: string;
  style: AnsiStyle;
}

/** Every escape sequence: CSI, OSC (ended by BEL or ST), and the short ones; unfinished ones at the end too. */
const sequence =
  // oxlint-disable-next-line no-control-regex -- the sequences are control characters
  /\u001B(?:\[([0-?]*)[ -/]*([@-~])?|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[ -/]*[0-Z\\^-~])|[\u0000-\u0008\u000B-\u001A\u007F]/g;

/** The text without escape sequences and control characters (a tab stays): what is searched and copied. */
export function stripAnsi(text: string): string {
  return text.includes('\u001B') || /\p{Cc}/u.test(text) ? text.replace(sequence, '') : text;
}

/** Text split by its SGR colours (ECMA-48 8.3.117, with xterm's 256 and 24-bit colours); other sequences vanish. */
export function parseAnsi(text: string): AnsiSegment[] {
  const segments: AnsiSegment[] = [];
  let style: AnsiStyle = {};
  let from = 0;
  const push = (until: number) => {
    const part = text.slice(from, until);
    if (part) segments.push({ text: part, style });
  };
  for (const match of text.matchAll(sequence)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = applySgr(style, match[1] ?? '');
  }
  push(text.length);
  return segments;
}

const switches: Record<number, AnsiStyle> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  22: { bold: undefined, dim: undefined },
  23: { italic: undefined },
  24: { underline: undefined },
  27: { inverse: undefined },
  39: { color: undefined },
  49: { background: undefined },
};

function applySgr(style: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 0) next = {};
    else if (switches[code]) next = { ...next, ...switches[code] };
    else if (code >= 30 && code <= 37) next = { ...next, color: code - 30 };
    else if (code >= 90 && code <= 97) next = { ...next, color: code - 82 };
    else if (code >= 40 && code <= 47) next = { ...next, background: code - 40 };
    else if (code >= 100 && code <= 107) next = { ...next, background: code - 92 };
    else if (code === 38 || code === 48) {
      const extended = extendedColor(codes.slice(index + 1));
      if (!extended) return next;
      next = { ...next, [code === 38 ? 'color' : 'background']: extended.color };
      index += extended.used;
    }
  }
  return next;
}

/** `5;n` of the 256-colour palette or `2;r;g;b`; `used` counts the parameters taken. */
function extendedColor(codes: number[]): { color: number | string; used: number } | undefined {
  const [kind, first = 0, second = 0, third = 0] = codes;
  if (kind === 5) return { color: first < 16 ? first : paletteColor(first), used: 2 };
  if (kind === 2) return { color: toHex([first, second, third]), used: 4 };
  return undefined;
}

function paletteColor(index: number): string {
  if (index >= 232) {
    const level = 8 + (index - 232) * 10;
    return toHex([level, level, level]);
  }
  const levels = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return toHex([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => levels[step] ?? 0));
}

function toHex(channels: number[]): string {
  return `#${channels.map((value) => Math.min(255, value).toString(16).padStart(2, '0')).join('')}`;
}
