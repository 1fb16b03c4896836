import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
import { toast } from '../../design/toast.tsx';
import { isVolumeName, plainNameOf, titleOf } from './volume-names.ts';

export function CloneDialog({ volume, onClose }: { volume: VolumeSummary; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <TextDialog
      title={t('volumes.cloneTitle', { name: titleOf(volume) })}
      label={t('volumes.cloneName')}
      hint={t('volumes.cloneHint')}
      initial={`${plainNameOf(volume)}-copy`}
      submitLabel={t('volumes.clone')}
      validate={(to) => (isVolumeName(to) ? undefined : t('volumes.nameInvalid'))}
      submit={async (to) => {
        await api.volumes.clone({ name: volume.name, to });
        toast('good', t('volumes.cloned', { name: to }));
        onClose();
      }}
      onClose={onClose}
    />
  );
}
