import { Upload } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../design/button.tsx';

/** Picks files; `progress` says what is being uploaded, and disables. */
export function UploadButton({
  progress,
  onFiles,
}: {
  progress: string | undefined;
  onFiles: (files: File[]) => void;
}) {
  const { t } = useTranslation();
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        size="small"
        icon={Upload}
        busy={progress !== undefined}
        onClick={() => picker.current?.click()}
        className="max-w-70"
      >
        <span className="truncate" role={progress ? 'status' : undefined}>
          {progress ?? t('files.upload')}
        </span>
      </Button>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label={t('files.upload')}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}
