import { useQuery } from '@tanstack/react-query';
import { LogIn, Server } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RegistryAccount } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { Badge } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { Card } from '../../design/card.tsx';
import { ListBody } from '../../engine-objects/list-body.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { LoginDialog } from './login-dialog.tsx';
import { RegistryBrowser } from './registry-browser.tsx';

const none: RegistryAccount[] = [];

/** The user's accounts at registries, and what the registries have. */
export function RegistriesView() {
  const { t } = useTranslation();
  const query = useQuery(queries.registries.accounts.queryOptions());
  const accounts = query.data ?? none;
  const [loggingIn, setLoggingIn] = useState<string>();
  const { perform } = useTask();
  const logout = (account: RegistryAccount) =>
    perform({
      question: {
        title: t('images.logoutTitle', { server: account.server }),
        body: t('images.logoutBody'),
        action: t('images.logout'),
      },
      work: async () => {
        await api.registries.logout({ server: account.server });
        await queryClient.invalidateQueries({ queryKey: queries.registries.key() });
      },
      done: t('images.loggedOut', { server: account.server }),
      failed: t('images.logoutFailed', { server: account.server }),
    });
  return (
    <div className="flex h-full flex-col gap-4 overflow-y-auto px-5 pb-5">
      <Card
        title={t('images.accounts')}
        aside={
          <Button size="small" icon={LogIn} onClick={() => setLoggingIn('')}>
            {t('images.login')}
          </Button>
        }
      >
        <ListBody query={query}>
          {accounts.length === 0 ? (
            <p className="text-muted py-2">{t('images.noAccounts')}</p>
          ) : (
            <ul className="divide-line divide-y">
              {accounts.map((account) => (
                <li key={account.server} className="flex items-center gap-3 py-1.5">
                  <Server size={15} className="text-muted shrink-0" aria-hidden />
                  <span className="min-w-0 truncate font-semibold">{account.server}</span>
                  <span className="text-muted min-w-0 truncate">{account.username}</span>
                  <span className="ml-auto shrink-0">
                    <Badge
                      tone={account.keptBy === 'file' ? 'warn' : 'good'}
                      title={t(
                        account.keptBy === 'file' ? 'images.keptByFileHint' : 'images.keptByKeyringHint',
                      )}
                    >
                      {t(account.keptBy === 'file' ? 'images.keptByFile' : 'images.keptByKeyring')}
                    </Badge>
                  </span>
                  <Button size="small" onClick={() => setLoggingIn(account.server)}>
                    {t('images.loginAgain')}
                  </Button>
                  <Button size="small" onClick={() => void logout(account)}>
                    {t('images.logout')}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </ListBody>
      </Card>
      <RegistryBrowser
        servers={accounts.map(({ server }) => server).filter((server) => server !== 'docker.io')}
      />
      {loggingIn !== undefined && <LoginDialog server={loggingIn} onClose={() => setLoggingIn(undefined)} />}
    </div>
  );
}
