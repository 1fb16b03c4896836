import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { isProjectName, projectTemplate } from './project-template.ts';

export function NewProjectDialog({
  taken,
  onCreated,
  onClose,
}: {
  taken: string[];
  onCreated: (project: string) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const formId = useId();
  const [name, setName] = useState('');
  const [error, setError] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const project = name.trim();
    if (!isProjectName(project)) {
      setError(t('compose.newNameInvalid'));
      return;
    }
    if (taken.includes(project)) {
      setError(t('compose.newNameTaken'));
      return;
    }
    try {
      await api.compose.save({ project, text: projectTemplate });
      await queryClient.invalidateQueries({ queryKey: queries.compose.key() });
      onCreated(project);
    } catch (cause) {
      setError(toFailure(cause).message);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('compose.newTitle')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId}>
            {t('common.create')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void submit(event)}>
        <Field label={t('compose.newName')} hint={t('compose.newNameHint')} error={error}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              placeholder="shop"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
