import { useTranslation } from 'react-i18next';
import { api } from '../../api/client.ts';
import { TextDialog } from '../../design/text-dialog.tsx';
import { toast } from '../../design/toast.tsx';

export function TagDialog({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <TextDialog
      title={t('images.tagTitle', { name })}
      label={t('images.tagLabel')}
      placeholder="example.com/team/app:1.0"
      submitLabel={t('images.tag')}
      submit={async (tag) => {
        await api.images.tag({ id, tag });
        toast('good', t('images.tagged', { name: tag }));
        onClose();
      }}
      onClose={onClose}
    />
  );
}
