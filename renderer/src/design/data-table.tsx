import { useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { features, isTableSort, toColumnDefs } from './data-table-model.ts';
import type { TableColumn, TableSort } from './data-table-model.ts';
import { GroupLine, RowLine } from './data-table-lines.tsx';
import type { LineProps } from './data-table-lines.tsx';
import { TableHeader } from './data-table-header.tsx';
import { useElementWidth } from './element-size.ts';
import { useRemembered } from './remembered.ts';
import { toTableItems } from './table-items.ts';

interface DataTableProps<T> {
  /** Names the remembered sort. */
  id: string;
  label: string;
  rows: T[];
  columns: TableColumn<T>[];
  rowId: (row: T) => string;
  rowName: (row: T) => string;
  initialSort: TableSort;
  onOpen?: (row: T) => void;
  /** A key pressed on a focused row; return true when it was used. */
  onRowKey?: (row: T, key: string) => boolean;
  selection?: ReadonlySet<string>;
  onSelectionChange?: (selection: ReadonlySet<string>) => void;
  groupOf?: (row: T) => string | undefined;
  collapsed?: ReadonlySet<string>;
  renderGroup?: (key: string, rows: T[]) => ReactNode;
  /** Drawn instead of rows when there are none. */
  empty: ReactNode;
}

const rowHeight = 42;
const nothing: ReadonlySet<string> = new Set();

/** Where a key moves the focus, from a line; undefined for other keys. */
function moveOf(key: string, index: number, count: number): number | undefined {
  const moves: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    Home: 0,
    End: count - 1,
    PageDown: index + 12,
    PageUp: index - 12,
  };
  const move = moves[key];
  return move === undefined ? undefined : Math.max(0, Math.min(count - 1, move));
}

/** Sorting (remembered) and selection, by react-table. */
function useTableModel<T extends object>(props: DataTableProps<T>) {
  const { rows, columns, rowId, selection = nothing, onSelectionChange } = props;
  const [sort, setSort] = useRemembered(`table.${props.id}.sort`, props.initialSort, isTableSort);
  const definitions = useMemo(() => toColumnDefs(columns), [columns]);
  const sorting = useMemo(() => [sort], [sort]);
  const rowSelection = useMemo(
    () => Object.fromEntries([...selection].map((id) => [id, true as const])),
    [selection],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowId,
    state: { sorting, rowSelection },
    enableSortingRemoval: false,
    onSortingChange: (update) => {
      const [next] = typeof update === 'function' ? update(sorting) : update;
      if (next) setSort(next);
    },
    onRowSelectionChange: (update) => {
      const next = typeof update === 'function' ? update(rowSelection) : update;
      onSelectionChange?.(new Set(Object.keys(next).filter((id) => next[id])));
    },
  });
  return { table, sort };
}

/** The one table of the app: sortable, virtualised, selectable, driven by keyboard; rows are a CSS grid. */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { columns, rowId, selection, onSelectionChange, groupOf, collapsed = nothing } = props;
  const { table, sort } = useTableModel(props);
  const scroller = useRef<HTMLDivElement>(null);
  const width = useElementWidth(scroller);
  const [active, setActive] = useState(0);
  const shown = useMemo(
    () => columns.filter((column) => width === 0 || width >= (column.fromWidth ?? 0)),
    [columns, width],
  );
  const sorted = table.getRowModel().rows;
  const items = useMemo(
    () =>
      toTableItems(
        sorted.map((row) => row.original),
        groupOf,
        collapsed,
      ),
    [sorted, groupOf, collapsed],
  );
  // The virtualizer is a mutable object by design; the React Compiler is not in use.
  // oxlint-disable-next-line react/incompatible-library
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => {
      const item = items[index];
      if (!item) return index;
      return item.kind === 'group' ? `group ${item.key}` : rowId(item.row);
    },
    overscan: 6,
  });

  const onLineKey = (event: KeyboardEvent, index: number) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items[index];
    const move = moveOf(event.key, index, items.length);
    if (move !== undefined) {
      setActive(move);
      virtualizer.scrollToIndex(move);
      requestAnimationFrame(() => {
        scroller.current?.querySelector<HTMLElement>(`[data-index="${move}"]`)?.focus();
      });
    } else if (item?.kind !== 'row') return;
    else if (event.key === 'Enter' && props.onOpen) props.onOpen(item.row);
    else if (event.key === ' ' && onSelectionChange) table.getRow(rowId(item.row)).toggleSelected();
    else if (!props.onRowKey?.(item.row, event.key)) return;
    event.preventDefault();
  };
  const template = `${onSelectionChange ? '2.25rem ' : ''}${shown.map((column) => column.width).join(' ')}`;
  const lineProps = (index: number, start: number): LineProps => ({
    index,
    start,
    height: rowHeight,
    reachable: index === Math.min(active, items.length - 1),
    onKeyDown: (event) => onLineKey(event, index),
    onFocus: () => setActive(index),
  });

  return (
    <div
      ref={scroller}
      role="table"
      aria-label={props.label}
      aria-rowcount={items.length + 1}
      className="h-full overflow-x-hidden overflow-y-auto outline-none"
    >
      <TableHeader
        columns={shown}
        template={template}
        sort={sort}
        onSort={(id) => table.getColumn(id)?.toggleSorting()}
        selected={table.getIsAllRowsSelected() || (table.getIsSomeRowsSelected() && 'indeterminate')}
        onSelectAll={onSelectionChange && ((all) => table.toggleAllRowsSelected(all))}
        hasRows={items.length > 0}
      />
      {items.length === 0 && <div className="h-[calc(100%-2rem)]">{props.empty}</div>}
      <div role="rowgroup" className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start, key }) => {
          const item = items[index];
          if (item?.kind === 'group') {
            return (
              <GroupLine key={key} {...lineProps(index, start)}>
                {props.renderGroup?.(item.key, item.rows)}
              </GroupLine>
            );
          }
          return (
            item && (
              <RowLine
                key={key}
                {...lineProps(index, start)}
                row={item.row}
                name={props.rowName(item.row)}
                grouped={item.grouped}
                columns={shown}
                template={template}
                selected={selection?.has(rowId(item.row))}
                onSelect={onSelectionChange && (() => table.getRow(rowId(item.row)).toggleSelected())}
                onOpen={props.onOpen}
              />
            )
          );
        })}
      </div>
    </div>
  );
}
