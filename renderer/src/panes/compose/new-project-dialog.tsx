import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
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
  const validate = (project: string) => {
    if (!isProjectName(project)) return t('compose.newNameInvalid');
    return taken.includes(project) ? t('compose.newNameTaken') : undefined;
  };
  return (
    <TextDialog
      title={t('compose.newTitle')}
      label={t('compose.newName')}
      hint={t('compose.newNameHint')}
      placeholder="shop"
      submitLabel={t('common.create')}
      required={false}
      validate={validate}
      submit={async (project) => {
        await api.compose.save({ project, text: projectTemplate });
        await queryClient.invalidateQueries({ queryKey: queries.compose.key() });
        onCreated(project);
      }}
      onClose={onClose}
    />
  );
}
