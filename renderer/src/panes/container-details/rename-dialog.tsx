import { useTranslation } from 'react-i18next';
import { api } from '../../api/client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
import { toast } from '../../design/toast.tsx';

export function RenameDialog({
  container,
  onClose,
}: {
  container: { id: string; name: string };
  onClose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <TextDialog
      title={t('containers.renameTitle', { name: container.name })}
      label={t('containers.renameLabel')}
      initial={container.name}
      submitLabel={t('containers.rename')}
      submit={async (name) => {
        await api.containers.rename({ id: container.id, name });
        toast('good', t('containers.done.rename', { name }));
        onClose();
      }}
      onClose={onClose}
    />
  );
}
