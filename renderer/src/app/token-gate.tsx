import { KeyRound, RotateCw, Unplug } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { retryNow } from '../api/transport.ts';
import { Button } from '../design/button.tsx';
import { EmptyState } from '../design/states.tsx';
import { Logo } from './logo.tsx';

/** A browser that came without the token. */
export function TokenGate() {
  const { t } = useTranslation();
  return (
    <main className="flex h-full flex-col">
      <Logo className="m-5" />
      <EmptyState icon={KeyRound} title={t('shell.tokenTitle')} body={t('shell.tokenBody')}>
        <div className="bg-sidebar border-line rounded-lg border px-4 py-3 text-left">
          <p className="text-faint text-sm">{t('shell.tokenExample')}</p>
          <code className="text-sm">{`Gantry is at ${window.location.origin}/#token=…`}</code>
        </div>
      </EmptyState>
      <div className="h-24" />
    </main>
  );
}

/** Nothing answered since the page was opened: stopped, or started again with another token. */
export function NeverConnected() {
  const { t } = useTranslation();
  return (
    <main className="flex h-full flex-col">
      <Logo className="m-5" />
      <EmptyState icon={Unplug} title={t('shell.neverTitle')} body={t('shell.neverBody')}>
        <Button icon={RotateCw} onClick={retryNow}>
          {t('shell.retryNow')}
        </Button>
      </EmptyState>
      <div className="h-24" />
    </main>
  );
}
