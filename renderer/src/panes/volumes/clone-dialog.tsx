import { useTranslation } from 'react-i18next';
import { api } from '../../api/client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
import { toast } from '../../design/toast.tsx';
import { isVolumeName, titleOf } from './volume-names.ts';

export function CloneDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <TextDialog
      title={t('volumes.cloneTitle', { name: titleOf({ name }) })}
      label={t('volumes.cloneName')}
      hint={t('volumes.cloneHint')}
      initial={`${titleOf({ name })}-copy`}
      submitLabel={t('volumes.clone')}
      validate={(to) => (isVolumeName(to) ? undefined : t('volumes.nameInvalid'))}
      submit={async (to) => {
        await api.volumes.clone({ name, to });
        toast('good', t('volumes.cloned', { name: to }));
        onClose();
      }}
      onClose={onClose}
    />
  );
}
