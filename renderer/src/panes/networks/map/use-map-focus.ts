import { useState } from 'react';
import type { KeyboardEvent, RefObject } from 'react';
import type { MapLayout } from './map-layout.ts';

export const hubKey = (id: string): string => `hub ${id}`;
export const boxKey = (id: string): string => `box ${id}`;

/**
 * One node at a time is in the order of Tab; arrow keys, Home and End move between nodes from top to bottom, also to
 * those that are only drawn once they are on the screen.
 */
export function useMapFocus({ hubs, boxes }: MapLayout, scroller: RefObject<HTMLElement | null>) {
  const [active, setActive] = useState('');
  /** What has the pointer or the focus. */
  const [lit, setLit] = useState<string>();
  const order = [
    ...hubs.map((hub) => ({ ...hub, key: hubKey(hub.id) })),
    ...boxes.map((box) => ({ ...box, key: boxKey(box.id) })),
  ].toSorted((a, b) => a.y - b.y || a.x - b.x);
  const current = order.some(({ key }) => key === active) ? active : order[0]?.key;

  const onKeyDown = (event: KeyboardEvent) => {
    const index = targetOf(
      event.key,
      order.findIndex(({ key }) => key === current),
      order.length,
    );
    const next = index === undefined ? undefined : order[index];
    const element = scroller.current;
    if (!next || !element) return;
    event.preventDefault();
    setActive(next.key);
    const isVisible =
      next.y >= element.scrollTop && next.y + next.height <= element.scrollTop + element.clientHeight;
    if (!isVisible) element.scrollTo({ top: next.y - element.clientHeight / 2 });
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        element.querySelector<HTMLElement>(`[data-node="${next.key}"]`)?.focus({ preventScroll: true }),
      ),
    );
  };

  /** What a node needs to take part. */
  const propsOf = (key: string) => ({
    nodeKey: key,
    reachable: key === current,
    onLit: (on: boolean) => setLit(on ? key : undefined),
    onActive: () => setActive(key),
  });
  return { lit, current, onKeyDown, propsOf };
}

function targetOf(key: string, at: number, count: number): number | undefined {
  const targets: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}
