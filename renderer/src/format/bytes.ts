const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units with three significant digits, as `docker` prints sizes: `812 kB`, `1.45 GB`. */
export function formatBytes(bytes: number): string {
  return scale(bytes, 1000, units);
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Binary units, for memory. */
export function formatMemory(bytes: number): string {
  return scale(bytes, 1024, binaryUnits);
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

function scale(bytes: number, base: number, names: string[]): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= base && unit < names.length - 1) {
    value /= base;
    unit += 1;
  }
  if (unit > 0 && Math.round(value) >= base && unit < names.length - 1) {
    value /= base;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${names[unit] ?? ''}`;
}

const sizePattern = /^(\d+(?:\.\d+)?)\s*(b|k|kb|kib|m|mb|mib|g|gb|gib|t|tb|tib)?$/i;
const powers: Record<string, number> = { b: 0, k: 1, m: 2, g: 3, t: 4 };

/** `512m`, `1.5g`, `1048576` as docker's `--memory` reads it (binary); undefined when it is not a size. */
export function parseMemory(text: string): number | undefined {
  const match = sizePattern.exec(text.trim());
  if (!match?.[1]) return undefined;
  const power = powers[(match[2] ?? 'b').charAt(0).toLowerCase()] ?? 0;
  return Math.round(Number(match[1]) * 1024 ** power);
}
