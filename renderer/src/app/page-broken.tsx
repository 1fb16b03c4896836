import { RotateCw, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../design/button.tsx';
import { EmptyState } from '../design/states.tsx';

/** A fault in drawing one page; the navigation around it still works. */
export function PageBroken({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={TriangleAlert}
      title={t('common.pageBroken')}
      body={error instanceof Error ? error.message : String(error)}
    >
      <Button icon={RotateCw} onClick={() => window.location.reload()}>
        {t('common.reload')}
      </Button>
    </EmptyState>
  );
}
