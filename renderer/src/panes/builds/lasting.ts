import { useEffect, useState } from 'react';

/** `3.2s`, `2m 5s`, in the reader's language. */
export function formatDuration(milliseconds: number, language: string): string {
  const part = (count: number, unit: 'minute' | 'second', digits: number) =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit,
      unitDisplay: 'narrow',
      maximumFractionDigits: digits,
    }).format(count);
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 59.95) return part(seconds, 'second', 1);
  const whole = Math.round(seconds);
  return `${part(Math.floor(whole / 60), 'minute', 0)} ${part(whole % 60, 'second', 0)}`;
}

/** The time, stepping every half second while `running`. */
export function useTicking(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 500);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}
