import { useTranslation } from 'react-i18next';
import type { ReactNode } from 'react';
import { Drawer } from '../design/dialog.tsx';
import { JsonView } from '../design/json-view.tsx';
import { ErrorState, SkeletonBlock } from '../design/states.tsx';

/** Details of a volume or network: a summary above the engine's own answer. */
export function RawDrawer({
  title,
  query,
  onClose,
  children,
}: {
  title: string;
  query: { isPending: boolean; isError: boolean; error: unknown; data: unknown };
  onClose: () => void;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <Drawer open title={title} onClose={onClose}>
      {children}
      {query.isPending && <SkeletonBlock />}
      {query.isError && query.data === undefined && <ErrorState error={query.error} />}
      {query.data !== undefined && (
        <div className="border-line mt-4 h-[28rem] overflow-hidden rounded-lg border">
          <JsonView value={query.data} label={t('details.json.label')} />
        </div>
      )}
    </Drawer>
  );
}
