import { CloudOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engineStore } from '../api/connection.ts';
import { useStore } from '../api/store.ts';
import { inDesktopShell, retryNow, transportStore } from '../api/transport.ts';
import { Button } from '../design/button.tsx';

/** Says that what is on screen may be old, and why. */
export function ConnectionBanner() {
  const { t } = useTranslation();
  const transport = useStore(transportStore);
  const engine = useStore(engineStore);
  const transportLost = transport.state === 'lost';
  if (!transportLost && engine?.state !== 'disconnected') return null;
  return (
    <div
      role="alert"
      className="bg-warn-soft border-line flex min-h-11 items-center gap-3 border-b px-5 py-1.5"
    >
      <CloudOff size={16} className="text-warn shrink-0" aria-hidden />
      <p className="min-w-0 flex-1">
        <strong className="font-semibold">
          {t(transportLost ? 'shell.lostTitle' : 'shell.engineLostTitle')}
        </strong>{' '}
        <span className="text-muted">{t(transportLost ? 'shell.lostBody' : 'shell.engineLostBody')}</span>
      </p>
      {transportLost && !inDesktopShell() && (
        <Button size="small" onClick={retryNow}>
          {t('shell.retryNow')}
        </Button>
      )}
    </div>
  );
}
