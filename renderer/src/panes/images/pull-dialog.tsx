import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input, Select } from '../../design/field.tsx';
import { startPull } from './transfers.ts';

const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/386', 'linux/riscv64'];

/** Asks what to pull; the pull itself shows in the pane. */
export function PullDialog({ initial = '', onClose }: { initial?: string; onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [name, setName] = useState(initial);
  const [platform, setPlatform] = useState('');
  const send = (event: FormEvent) => {
    event.preventDefault();
    startPull(name.trim(), platform || undefined);
    onClose();
  };
  return (
    <Dialog
      open
      width="small"
      title={t('images.pullTitle')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} disabled={name.trim() === ''}>
            {t('images.pull')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={send} className="flex flex-col gap-3">
        <Field label={t('images.pullLabel')} hint={t('images.pullHint')}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              placeholder="registry.example.com/team/app:1.0"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label={t('images.platform')}>
          {(control) => (
            <Select {...control} value={platform} onChange={(event) => setPlatform(event.target.value)}>
              <option value="">{t('images.platformHere')}</option>
              {platforms.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </form>
    </Dialog>
  );
}
