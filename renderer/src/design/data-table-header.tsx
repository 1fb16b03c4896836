import { ArrowDown, ArrowUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { cx } from './class-names.ts';
import type { TableColumn, TableSort } from './data-table-model.ts';
import { Checkbox } from './field.tsx';

interface TableHeaderProps<T> {
  columns: TableColumn<T>[];
  template: string;
  sort: TableSort;
  onSort: (columnId: string) => void;
  selected: boolean | 'indeterminate';
  /** Absent: rows cannot be selected. */
  onSelectAll: ((all: boolean) => void) | undefined;
  hasRows: boolean;
}

export function TableHeader<T>(props: TableHeaderProps<T>) {
  const { t } = useTranslation();
  return (
    <div role="rowgroup" className="bg-canvas sticky top-0 z-10">
      <div
        role="row"
        aria-rowindex={1}
        className="border-line text-muted grid h-8 items-center gap-3 border-b px-5 text-sm"
        style={{ gridTemplateColumns: props.template }}
      >
        {props.onSelectAll && (
          <span role="columnheader" aria-label={t('common.select')}>
            <Checkbox
              hideLabel
              label={t('common.selectAll')}
              disabled={!props.hasRows}
              checked={props.selected}
              onChange={props.onSelectAll}
            />
          </span>
        )}
        {props.columns.map((column) => (
          <HeaderCell key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
        ))}
      </div>
    </div>
  );
}

function HeaderCell<T>({
  column,
  sort,
  onSort,
}: {
  column: TableColumn<T>;
  sort: TableSort;
  onSort: (columnId: string) => void;
}) {
  const sortable = column.sortValue !== undefined;
  const direction = sort.id !== column.id ? 'none' : sort.desc ? 'descending' : 'ascending';
  return (
    <span
      role="columnheader"
      aria-sort={sortable ? direction : undefined}
      className={cx('flex min-w-0', column.align === 'end' && 'justify-end')}
    >
      {sortable ? (
        <button
          type="button"
          onClick={() => onSort(column.id)}
          className={cx(
            'hover:text-text inline-flex min-w-0 items-center gap-1 rounded-sm',
            direction !== 'none' && 'text-text font-semibold',
          )}
        >
          <span className="truncate">{column.header}</span>
          {direction === 'ascending' && <ArrowUp size={12} aria-hidden />}
          {direction === 'descending' && <ArrowDown size={12} aria-hidden />}
        </button>
      ) : (
        <span className="truncate">{column.header}</span>
      )}
    </span>
  );
}
