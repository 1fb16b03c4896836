import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Diagnostic } from './diagnostics.ts';

/** What is wrong with the file, each line leading to its place; nothing until it was looked at. */
export function Problems({
  diagnostics,
  onGo,
}: {
  diagnostics: readonly Diagnostic[] | undefined;
  onGo: (line: number) => void;
}) {
  const { t } = useTranslation();
  if (!diagnostics) return null;
  return (
    <div role="status" className="border-line max-h-36 shrink-0 overflow-y-auto border-t px-5 py-1.5">
      {diagnostics.length === 0 && (
        <p className="text-good flex items-center gap-2">
          <CircleCheck size={14} aria-hidden />
          {t('compose.valid')}
        </p>
      )}
      {diagnostics.map((diagnostic, index) => {
        const Icon = diagnostic.severity === 'error' ? CircleX : TriangleAlert;
        return (
          <button
            key={index}
            type="button"
            onClick={() => onGo(diagnostic.line ?? 1)}
            className="hover:bg-hover -mx-2 flex w-full items-start gap-2 rounded-md px-2 py-0.5 text-left"
          >
            <Icon
              size={14}
              aria-hidden
              className={`mt-0.5 shrink-0 ${diagnostic.severity === 'error' ? 'text-bad' : 'text-warn'}`}
            />
            <span className="min-w-0 flex-1 break-words">{diagnostic.message}</span>
            {diagnostic.line !== undefined && (
              <span className="text-faint shrink-0">{t('compose.line', { line: diagnostic.line })}</span>
            )}
          </button>
        );
      })}
    </div>
  );
}
