import { useLayoutEffect, useState } from 'react';
import type { RefObject } from 'react';

/** The element's content width in px, followed; 0 before the first layout. */
export function useElementWidth(ref: RefObject<HTMLElement | null>): number {
  return useMeasure(ref, 'clientWidth');
}

/** As `useElementWidth`. */
export function useElementHeight(ref: RefObject<HTMLElement | null>): number {
  return useMeasure(ref, 'clientHeight');
}

function useMeasure(ref: RefObject<HTMLElement | null>, measure: 'clientWidth' | 'clientHeight'): number {
  const [size, setSize] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    setSize(element[measure]);
    const observer = new ResizeObserver(() => setSize(element[measure]));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, measure]);
  return size;
}
