import { ExternalLink } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Port } from '../../../electron/api/types.ts';
import { Menu } from '../design/menu.tsx';
import { publishedPorts } from './published-ports.ts';

function pageHost(): string {
  return window.location.hostname || 'localhost';
}

function openAddress(address: string): void {
  window.open(`http://${address}`, '_blank', 'noopener,noreferrer');
}

/** Published ports as links that open the browser; those beyond `limit` are in a menu. */
export function PortLinks({ ports, limit }: { ports: readonly Port[]; limit: number }) {
  const { t } = useTranslation();
  const all = publishedPorts(ports, pageHost());
  const more = all.slice(limit);
  return (
    <span className="flex min-w-0 items-center gap-2">
      {all.slice(0, limit).map((port) =>
        port.address ? (
          <a
            key={port.key}
            href={`http://${port.address}`}
            target="_blank"
            rel="noopener noreferrer"
            title={t('containers.openPort', { address: port.address })}
            className="truncate no-underline hover:underline"
          >
            {port.text}
          </a>
        ) : (
          <span key={port.key} className="text-muted truncate">
            {port.text}
          </span>
        ),
      )}
      {more.length > 0 && (
        <Menu
          trigger={
            <button
              type="button"
              aria-label={t('containers.allPorts', { count: all.length })}
              className="text-muted hover:text-text shrink-0 rounded-sm text-sm"
            >
              {t('containers.morePorts', { count: more.length })}
            </button>
          }
          items={all.map((port) => ({
            label: port.text,
            icon: ExternalLink,
            disabled: !port.address,
            run: () => port.address && openAddress(port.address),
          }))}
        />
      )}
    </span>
  );
}
