import { useId } from 'react';
import { Input } from './field.tsx';
import { RowList } from './row-list.tsx';
import { changeRow, emptyPair } from './rows.ts';
import type { PairRow } from './rows.ts';

interface PairRowsProps {
  title: string;
  rows: PairRow[];
  onChange: (rows: PairRow[]) => void;
  addLabel: string;
  removeLabel: string;
  nameLabel: string;
  valueLabel: string;
  problemOf: (row: PairRow) => string | undefined;
  /** Offered while a name is typed. */
  names?: readonly string[];
  valuesOf?: (name: string) => readonly string[];
}

/** Names with values: options, labels. */
export function PairRows(props: PairRowsProps) {
  const { title, rows, onChange, addLabel, removeLabel, problemOf, names = [], valuesOf } = props;
  const listId = useId();
  const unused = names.filter((name) => rows.every((row) => row.name !== name));
  return (
    <>
      <RowList
        title={title}
        rows={rows}
        errorOf={problemOf}
        wordsOf={(problem) => problem}
        addLabel={addLabel}
        removeLabel={removeLabel}
        onAdd={() => onChange([...rows, emptyPair()])}
        onRemove={(key) => onChange(rows.filter((row) => row.key !== key))}
      >
        {(row, problem) => (
          <>
            <Input
              aria-label={props.nameLabel}
              aria-invalid={problem ? true : undefined}
              className="flex-2! font-mono"
              list={listId}
              value={row.name}
              onChange={(event) => onChange(changeRow(rows, row.key, { name: event.target.value }))}
            />
            <span className="text-faint">=</span>
            <Input
              aria-label={props.valueLabel}
              className="flex-1! font-mono"
              list={`${listId}-${row.key}`}
              value={row.value}
              onChange={(event) => onChange(changeRow(rows, row.key, { value: event.target.value }))}
            />
            <datalist id={`${listId}-${row.key}`}>
              {(valuesOf?.(row.name) ?? []).map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          </>
        )}
      </RowList>
      <datalist id={listId}>
        {unused.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
