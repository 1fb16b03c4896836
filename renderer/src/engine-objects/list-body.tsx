import type { LucideIcon } from 'lucide-react';
import { SearchX } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../design/button.tsx';
import { EmptyState, ErrorState, SkeletonRows } from '../design/states.tsx';

/** The states of a list around its table: loading, failed with nothing to show, or the table itself. */
export function ListBody({
  query,
  children,
}: {
  query: {
    isPending: boolean;
    isError: boolean;
    error: unknown;
    data: unknown;
    refetch: () => Promise<unknown>;
  };
  children: ReactNode;
}) {
  if (query.isPending) return <SkeletonRows height={42} />;
  if (query.isError && query.data === undefined) {
    return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  }
  return children;
}

/** What a list shows without rows: nothing there at all, or nothing that matches. */
export function NoRows({
  filter,
  onClear,
  icon,
  title,
  body,
  children,
}: {
  filter: string;
  onClear: () => void;
  icon: LucideIcon;
  title: string;
  body: string;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  if (filter) {
    return (
      <EmptyState
        icon={SearchX}
        title={t('common.noMatches', { text: filter })}
        body={t('common.noMatchesBody')}
      >
        <Button onClick={onClear}>{t('common.clearFilter')}</Button>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={icon} title={title} body={body}>
      {children}
    </EmptyState>
  );
}
