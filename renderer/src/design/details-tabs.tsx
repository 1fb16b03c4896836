import { Tabs } from 'radix-ui';
import type { ReactNode } from 'react';

interface TabListProps<Value extends string> {
  label: string;
  /** Each with its text, in order. */
  tabs: readonly (readonly [value: Value, text: string])[];
}

/** The tabs of a details page, below its header. */
export function TabList<Value extends string>({ label, tabs }: TabListProps<Value>) {
  return (
    <Tabs.List aria-label={label} className="border-line flex shrink-0 gap-5 overflow-x-auto border-b px-5">
      {tabs.map(([value, text]) => (
        <Tabs.Trigger
          key={value}
          value={value}
          className="text-muted hover:text-text data-[state=active]:border-accent data-[state=active]:text-text -mx-1 -mb-px h-9 shrink-0 rounded-t-sm border-b-2 px-1 border-transparent transition-colors focus-visible:-outline-offset-2 data-[state=active]:font-semibold"
        >
          {text}
        </Tabs.Trigger>
      ))}
    </Tabs.List>
  );
}

/** What a tab shows; it fills the page, and scrolls when its content does not do that itself. */
export function TabPanel({
  value,
  scroll,
  children,
}: {
  value: string;
  scroll?: boolean;
  children: ReactNode;
}) {
  return (
    <Tabs.Content
      value={value}
      className={`min-h-0 flex-1 outline-none data-[state=inactive]:hidden ${scroll ? 'overflow-y-auto' : ''}`}
    >
      {children}
    </Tabs.Content>
  );
}
