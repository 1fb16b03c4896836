import type { LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from './class-names.ts';
import { Kbd } from './kbd.tsx';

export interface MenuAction {
  label: string;
  icon?: LucideIcon;
  shortcut?: string;
  danger?: boolean;
  disabled?: boolean;
  run: () => void;
}

/** A drop-down of verbs; `'separator'` draws a line. */
export function Menu({ trigger, items }: { trigger: ReactNode; items: (MenuAction | 'separator')[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="animate-menu bg-raised shadow-overlay z-50 min-w-44 rounded-lg p-1"
        >
          {items.map((item, index) =>
            item === 'separator' ? (
              <DropdownMenu.Separator key={index} className="bg-line my-1 h-px" />
            ) : (
              <DropdownMenu.Item
                key={item.label}
                disabled={item.disabled}
                onSelect={item.run}
                className={cx(
                  'flex h-7 items-center gap-2 rounded-md px-2 outline-none select-none data-[disabled]:opacity-40',
                  item.danger
                    ? 'text-bad data-[highlighted]:bg-bad-soft'
                    : 'data-[highlighted]:bg-hover text-text',
                )}
              >
                {item.icon ? (
                  <item.icon size={14} aria-hidden className="opacity-80" />
                ) : (
                  <span className="w-3.5" />
                )}
                <span className="flex-1">{item.label}</span>
                {item.shortcut && <Kbd keys={item.shortcut} />}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
