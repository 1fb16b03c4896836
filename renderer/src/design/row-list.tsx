import { Plus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, IconButton } from './button.tsx';

/** A titled list of editable rows with add and remove; a row's error is below it. */
export function RowList<T extends { key: number }, E>({
  title,
  rows,
  errorOf,
  wordsOf,
  addLabel,
  removeLabel,
  onAdd,
  onRemove,
  children,
}: {
  title: string;
  rows: T[];
  errorOf: (row: T) => E | undefined;
  wordsOf: (error: E) => string;
  addLabel: string;
  removeLabel: string;
  onAdd: () => void;
  onRemove: (key: number) => void;
  children: (row: T, error: E | undefined) => ReactNode;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="text-muted text-sm font-semibold">{title}</legend>
      <div className="mt-1 flex flex-col gap-1.5">
        {rows.map((row) => {
          const error = errorOf(row);
          return (
            <div key={row.key}>
              <div className="flex items-center gap-1.5">
                {children(row, error)}
                <IconButton label={removeLabel} icon={X} onClick={() => onRemove(row.key)} />
              </div>
              {error && (
                <p role="alert" className="text-bad mt-0.5 text-sm">
                  {wordsOf(error)}
                </p>
              )}
            </div>
          );
        })}
        <Button size="small" icon={Plus} className="self-start" onClick={onAdd}>
          {addLabel}
        </Button>
      </div>
    </fieldset>
  );
}
