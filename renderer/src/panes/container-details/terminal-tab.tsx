import '@xterm/xterm/css/xterm.css';
import { useQuery } from '@tanstack/react-query';
import { Plus, SquareTerminal, X } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { queries } from '../../api/client.ts';
import { useStore } from '../../api/store.ts';
import type { Store } from '../../api/store.ts';
import { IconButton } from '../../design/button.tsx';
import { cx } from '../../design/class-names.ts';
import { confirm } from '../../design/confirm.tsx';
import { EmptyState, ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { openTerminalSession } from './terminal-session.ts';
import type { TerminalSession } from './terminal-session.ts';
import { addSession, closeSession, terminalsOf } from './terminal-sessions.ts';
import type { ContainerTerminals } from './terminal-sessions.ts';
import { TerminalSearch } from './terminal-search.tsx';

export function TerminalTab({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  const store = useMemo(() => terminalsOf(container.id), [container.id]);
  const { sessions } = useStore(store);
  const running = container.state === 'running';
  const shells = useQuery({
    ...queries.terminal.shells.queryOptions({ input: { id: container.id } }),
    enabled: running,
  });

  if (sessions.length === 0 && !running) {
    return (
      <EmptyState
        icon={SquareTerminal}
        title={t('details.terminal.stoppedTitle')}
        body={t('details.terminal.stoppedBody')}
      />
    );
  }
  if (shells.isPending && running) {
    return (
      <div className="px-5 pt-4">
        <p className="text-faint">{t('details.terminal.connecting')}</p>
        <SkeletonBlock lines={3} />
      </div>
    );
  }
  if (shells.isError) return <ErrorState error={shells.error} retry={() => void shells.refetch()} />;
  const shell = shells.data?.[0];
  if (!shell && sessions.length === 0) {
    return (
      <EmptyState
        icon={SquareTerminal}
        title={t('details.terminal.noShellTitle')}
        body={t('details.terminal.noShellBody')}
      />
    );
  }
  return (
    <TerminalPanel
      id={container.id}
      name={container.name}
      shell={running ? shell : undefined}
      store={store}
    />
  );
}

function TerminalPanel({
  id,
  name,
  shell,
  store,
}: {
  id: string;
  name: string;
  /** undefined: nothing new can be opened. */
  shell: string | undefined;
  store: Store<ContainerTerminals>;
}) {
  const { t } = useTranslation();
  const { sessions, active } = useStore(store);
  const session = sessions.find((one) => one.key === active);

  const onLink = useCallback(
    (url: string) => {
      if (!/^https?:\/\//i.test(url)) return;
      void confirm({
        title: t('details.terminal.openLinkTitle'),
        body: t('details.terminal.openLinkBody', { url }),
        action: t('details.terminal.openLink'),
      }).then((answer) => {
        if (answer.confirmed) window.open(url, '_blank', 'noopener,noreferrer');
      });
    },
    [t],
  );
  const open = useCallback(() => {
    if (shell) addSession(store, openTerminalSession(id, shell, onLink));
  }, [shell, store, id, onLink]);

  useEffect(() => {
    if (store.get().sessions.length === 0) open();
  }, [store, open]);

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-1 px-4">
        <div
          role="tablist"
          aria-label={t('details.terminal.sessions')}
          className="flex min-w-0 gap-1 overflow-x-auto"
        >
          {sessions.map((one, index) => (
            <SessionTab
              key={one.key}
              session={one}
              label={`${one.title} ${index + 1}`}
              active={one.key === active}
              onSelect={() => store.set({ sessions, active: one.key })}
              onClose={() => closeSession(store, one)}
            />
          ))}
        </div>
        <IconButton label={t('details.terminal.new')} icon={Plus} disabled={!shell} onClick={open} />
        {session && (
          <span className="ml-auto">
            <TerminalSearch session={session} />
          </span>
        )}
      </div>
      {session && (
        <TerminalScreen key={session.key} session={session} label={t('details.terminal.screen', { name })} />
      )}
    </div>
  );
}

function SessionTab({
  session,
  label,
  active,
  onSelect,
  onClose,
}: {
  session: TerminalSession;
  label: string;
  active: boolean;
  onSelect: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const status = useStore(session.status);
  return (
    <span
      className={cx(
        'flex h-7 shrink-0 items-center rounded-md pr-0.5',
        active ? 'bg-pressed' : 'hover:bg-hover text-muted',
      )}
    >
      <button
        type="button"
        role="tab"
        aria-selected={active}
        onClick={onSelect}
        className={cx('h-full rounded-md pl-2.5 pr-1', status.state !== 'open' && 'line-through opacity-60')}
      >
        {label}
      </button>
      <IconButton
        label={t('details.terminal.close', { name: label })}
        icon={X}
        onClick={onClose}
        className="size-5.5 [&_svg]:size-3"
      />
    </span>
  );
}

function TerminalScreen({ session, label }: { session: TerminalSession; label: string }) {
  const { t } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const status = useStore(session.status);
  useEffect(() => (host.current ? session.attach(host.current) : undefined), [session]);
  return (
    <div className="bg-sidebar border-line flex min-h-0 flex-1 flex-col border-t">
      <div className="min-h-0 flex-1 py-2 pr-1 pl-4">
        <div ref={host} role="group" aria-label={label} className="h-full" />
      </div>
      {status.state !== 'open' && (
        <p role="status" className="border-line text-muted border-t px-4 py-1.5">
          {status.state === 'lost'
            ? t('details.terminal.lost', { message: status.message })
            : status.code === undefined
              ? t('details.terminal.exitedUnknown')
              : t('details.terminal.exited', { code: status.code })}
        </p>
      )}
    </div>
  );
}
