import { useEffect, useRef } from 'react';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      !!target.closest('.xterm'))
  );
}

/** True when a modal is open: the keys belong to it. */
function isModal(): boolean {
  return (
    document.querySelector('[role=dialog][data-state=open],[role=alertdialog][data-state=open]') !== null
  );
}

/**
 * Binds `key`, `ctrl+key` (⌘ on macOS), or a chord `g c`. Plain keys are ignored while typing and under a dialog.
 */
export function useShortcut(keys: string, action: () => void, enabled = true): void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  useEffect(() => {
    if (!enabled) return undefined;
    const chord = keys.split(' ');
    let typed: string[] = [];
    let lastAt = 0;
    const onKeyDown = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      if (keys.startsWith('ctrl+')) {
        if (!control || event.key.toLowerCase() !== keys.slice(5)) return;
      } else {
        if (control || event.altKey || event.repeat || isTyping(event.target) || isModal()) return;
        if (event.timeStamp - lastAt > 900) typed = [];
        lastAt = event.timeStamp;
        typed = [...typed, event.key].slice(-chord.length);
        if (typed.join(' ') !== keys) return;
      }
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [keys, enabled]);
}
