import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';

/** The password goes to the registry through the engine, then to the keyring; it is not kept here. */
export function LoginDialog({ server: initial, onClose }: { server: string; onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [server, setServer] = useState(initial);
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const address = server.trim() || 'docker.io';
    try {
      await api.registries.login({ server: address, username: username.trim(), password });
      toast('good', t('images.loggedIn', { server: address }));
      void queryClient.invalidateQueries({ queryKey: queries.registries.key() });
      onClose();
    } catch (cause) {
      setError(toFailure(cause).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('images.loginTitle')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            variant="primary"
            type="submit"
            form={formId}
            busy={busy}
            disabled={username.trim() === '' || password === ''}
          >
            {t('images.login')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void send(event)} className="flex flex-col gap-3">
        <Field label={t('images.registry')} hint={t('images.registryHint')}>
          {(control) => (
            <Input
              {...control}
              autoFocus={initial === ''}
              placeholder="registry.example.com:5000"
              value={server}
              onChange={(event) => setServer(event.target.value)}
            />
          )}
        </Field>
        <Field label={t('images.username')}>
          {(control) => (
            <Input {...control} value={username} onChange={(event) => setUsername(event.target.value)} />
          )}
        </Field>
        <Field label={t('images.password')} hint={t('images.passwordHint')} error={error}>
          {(control) => (
            <Input
              {...control}
              type="password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
