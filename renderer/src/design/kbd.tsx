/** Keys as `Ctrl+K` or `g c`; drawn one cap each. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-0.5" aria-hidden>
      {keys.split(/[+ ]/).map((key) => (
        <kbd
          key={key}
          className="border-line-strong text-faint bg-canvas inline-flex h-4 min-w-4 items-center justify-center rounded-sm border px-1 font-sans text-[10px] leading-none"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}
