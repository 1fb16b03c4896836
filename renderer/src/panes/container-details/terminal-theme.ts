import type { ITheme } from '@xterm/xterm';

const colors = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/** The terminal in the colours of the current theme. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const theme: Record<string, string> = {
    background: token('sidebar'),
    foreground: token('text'),
    cursor: token('accent'),
    cursorAccent: token('sidebar'),
    selectionBackground: `${token('accent')}55`,
  };
  for (const color of colors) {
    theme[color] = token(`ansi-${color}`);
    theme[`bright${color.charAt(0).toUpperCase()}${color.slice(1)}`] = token(`ansi-bright-${color}`);
  }
  return theme;
}
