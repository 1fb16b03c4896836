import { CloudOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engineStore } from '../api/connection.ts';
import { useStore } from '../api/store.ts';
import { inDesktopShell, retryNow, transportStore } from '../api/transport.ts';
import type { TransportState } from '../api/transport.ts';
import { Button } from '../design/button.tsx';

/** A restarted Gantry has a new token: after some attempts the way out is its new link. */
function bodyOf(transport: TransportState) {
  if (transport.state !== 'lost') return 'shell.engineLostBody' as const;
  return transport.attempts > 4 && !inDesktopShell()
    ? ('shell.neverBody' as const)
    : ('shell.lostBody' as const);
}

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
        <span className="text-muted">{t(bodyOf(transport))}</span>
      </p>
      {transportLost && !inDesktopShell() && (
        <Button size="small" onClick={retryNow}>
          {t('shell.retryNow')}
        </Button>
      )}
    </div>
  );
}
