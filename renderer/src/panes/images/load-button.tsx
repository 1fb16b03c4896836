import { Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { toast } from '../../design/toast.tsx';
import { uploadArchive } from './upload-archive.ts';

/** Picks a .tar and loads it; the button itself shows how far it is. */
export function LoadButton() {
  const { t } = useTranslation();
  const picker = useRef<HTMLInputElement>(null);
  const [progress, setProgress] = useState<string>();
  const load = async (file: File) => {
    const { name } = file;
    setProgress(t('images.loadProgress', { name, percent: 0 }));
    try {
      const messages = await uploadArchive(file, (sent) =>
        setProgress(
          sent < file.size
            ? t('images.loadProgress', { name, percent: Math.floor((sent / file.size) * 100) })
            : t('images.loadUnpacking', { name }),
        ),
      );
      toast('good', t('images.loaded', { name }), messages.join('\n'));
      void queryClient.invalidateQueries({ queryKey: queries.images.key() });
    } catch (error) {
      toast('bad', t('images.loadFailed', { name }), toFailure(error).message);
    } finally {
      setProgress(undefined);
    }
  };
  return (
    <>
      <Button
        icon={Upload}
        busy={progress !== undefined}
        onClick={() => picker.current?.click()}
        className="max-w-70"
      >
        <span className="truncate" role={progress ? 'status' : undefined}>
          {progress ?? t('images.load')}
        </span>
      </Button>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label={t('images.loadTitle')}
        accept=".tar,.tar.gz,.tgz,application/x-tar"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file) void load(file);
        }}
      />
    </>
  );
}
