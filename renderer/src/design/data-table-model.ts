import {
  columnVisibilityFeature,
  createColumnHelper,
  createSortedRowModel,
  rowSelectionFeature,
  rowSortingFeature,
  tableFeatures,
} from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { compareValues } from './table-items.ts';

export const features = tableFeatures({
  rowSortingFeature,
  rowSelectionFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
});

export interface TableColumn<T> {
  id: string;
  header: string;
  /** A CSS grid track. */
  width: string;
  /** The column is left out while the table is narrower than this many px. */
  fromWidth?: number;
  align?: 'end';
  /** Makes the column sortable. */
  sortValue?: (row: T) => string | number | undefined;
  cell: (row: T) => ReactNode;
}

export interface TableSort {
  id: string;
  desc: boolean;
}

export function isTableSort(value: unknown): value is TableSort {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    'desc' in value &&
    typeof value.id === 'string' &&
    typeof value.desc === 'boolean'
  );
}

/** react-table column definitions; the drawing parts (`width`, `cell`) stay in the TableColumn. */
export function toColumnDefs<T extends object>(columns: TableColumn<T>[]) {
  const helper = createColumnHelper<typeof features, T>();
  return helper.columns(
    columns.map((column) =>
      helper.accessor((row: T) => column.sortValue?.(row), {
        id: column.id,
        header: column.header,
        enableSorting: column.sortValue !== undefined,
        sortFn: (a, b) => compareValues(column.sortValue?.(a.original), column.sortValue?.(b.original)),
      }),
    ),
  );
}
