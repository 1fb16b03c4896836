import type { KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from './class-names.ts';
import type { TableColumn } from './data-table-model.ts';
import { Checkbox } from './field.tsx';

/** What every virtual line has: its place, and the keyboard. */
export interface LineProps {
  index: number;
  /** px from the top of the list. */
  start: number;
  height: number;
  /** The one line that Tab reaches; arrows move between lines. */
  reachable: boolean;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: () => void;
}

function lineAttributes({ index, reachable, onKeyDown, onFocus }: LineProps) {
  return {
    role: 'row',
    'aria-rowindex': index + 2,
    'data-index': index,
    tabIndex: reachable ? 0 : -1,
    onKeyDown,
    onFocus,
  };
}

export function GroupLine({ children, ...line }: LineProps & { children: ReactNode }) {
  return (
    <div
      {...lineAttributes(line)}
      style={{ transform: `translateY(${line.start}px)`, height: line.height }}
      className="border-line bg-sidebar absolute inset-x-0 top-0 flex items-center border-b px-5 focus-visible:-outline-offset-2"
    >
      {children}
    </div>
  );
}

interface RowLineProps<T> extends LineProps {
  row: T;
  name: string;
  grouped: boolean;
  columns: TableColumn<T>[];
  template: string;
  selected: boolean | undefined;
  onSelect: (() => void) | undefined;
  onOpen: ((row: T) => void) | undefined;
}

export function RowLine<T>(props: RowLineProps<T>) {
  const { row, columns, selected, onSelect, onOpen } = props;
  const { t } = useTranslation();
  return (
    <div
      {...lineAttributes(props)}
      aria-selected={selected}
      style={{
        transform: `translateY(${props.start}px)`,
        height: props.height,
        gridTemplateColumns: props.template,
      }}
      onClick={(event) => {
        if (isPlainClick(event.target)) onOpen?.(row);
      }}
      className={cx(
        'border-line absolute inset-x-0 top-0 grid items-center gap-3 border-b px-5 focus-visible:-outline-offset-2',
        selected ? 'bg-accent-soft' : 'hover:bg-hover',
      )}
    >
      {onSelect && (
        <span role="cell">
          <Checkbox
            hideLabel
            label={t('common.selectNamed', { name: props.name })}
            checked={selected ?? false}
            onChange={onSelect}
          />
        </span>
      )}
      {columns.map((column, position) => (
        <div
          key={column.id}
          role="cell"
          className={cx(
            'flex min-w-0 items-center',
            column.align === 'end' && 'justify-end',
            position === 0 && props.grouped && 'pl-5',
          )}
        >
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}

/** A click on the row itself, not on a control in it nor at the end of a text selection. */
function isPlainClick(target: EventTarget): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('button, a, input, [role^=menu], [role=checkbox]')) return false;
  return window.getSelection()?.isCollapsed ?? true;
}
