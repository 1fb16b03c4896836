import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
import { toast } from '../../design/toast.tsx';
import { isVolumeName } from './volume-names.ts';

export function CreateVolumeDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <TextDialog
      title={t('volumes.create')}
      label={t('volumes.name')}
      placeholder={t('volumes.namePlaceholder')}
      submitLabel={t('common.create')}
      required={false}
      validate={(name) => (isVolumeName(name) ? undefined : t('volumes.nameInvalid'))}
      submit={async (name) => {
        const created = await api.volumes.create({ name, labels: {} });
        void queryClient.invalidateQueries({ queryKey: queries.volumes.key() });
        toast('good', t('volumes.created', { name: created.name }));
        onClose();
      }}
      onClose={onClose}
    />
  );
}
