import { Link } from '@tanstack/react-router';
import { FileArchive } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { sendParts } from '../../api/parts.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { ProgressBar } from '../../design/progress-bar.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { titleOf } from './volume-names.ts';
import { UserLink } from './volume-users.tsx';

type Step =
  | { step: 'asking'; failure?: string }
  | { step: 'sending'; sentBytes: number }
  | { step: 'done'; safetyCopy: string };

/** An archive for the content of a volume. Says before what happens to the old content, and after where it is. */
export function RestoreDialog({ volume, onClose }: { volume: VolumeSummary; onClose: () => void }) {
  const { t } = useTranslation();
  const picker = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const [state, setState] = useState<Step>({ step: 'asking' });
  const name = titleOf(volume);
  const running = volume.usedBy.filter((user) => user.running);

  const restore = async (archive: File) => {
    setState({ step: 'sending', sentBytes: 0 });
    try {
      const { uploadId } = await api.volumes.restoreBegin({ name: volume.name });
      await sendParts(
        archive,
        (chunk) => api.volumes.restoreChunk({ uploadId, chunk }),
        (sentBytes) => setState({ step: 'sending', sentBytes }),
      );
      const { safetyCopy } = await api.volumes.restoreFinish({ uploadId });
      setState({ step: 'done', safetyCopy });
    } catch (error) {
      setState({ step: 'asking', failure: toFailure(error).message });
    }
  };
  const sending = state.step === 'sending';

  return (
    <Dialog
      open
      title={t('volumes.restoreTitle', { name })}
      description={state.step === 'done' ? undefined : t('volumes.restoreBody')}
      onClose={() => !sending && onClose()}
      footer={
        state.step === 'done' ? (
          <Button variant="primary" onClick={onClose}>
            {t('common.close')}
          </Button>
        ) : (
          <>
            <Button disabled={sending} onClick={onClose}>
              {t('common.cancel')}
            </Button>
            <Button
              variant="danger"
              busy={sending}
              disabled={!file || running.length > 0}
              onClick={() => file && void restore(file)}
            >
              {t('volumes.restore')}
            </Button>
          </>
        )
      }
    >
      {state.step === 'done' ? (
        <p role="status" className="break-words">
          {t('volumes.restored')}{' '}
          <Link
            to="/volumes/$name"
            params={{ name: state.safetyCopy }}
            onClick={onClose}
            className="text-accent [overflow-wrap:anywhere] hover:underline"
          >
            {state.safetyCopy}
          </Link>
        </p>
      ) : (
        <div className="flex flex-col gap-3">
          {state.step === 'asking' && state.failure && (
            <p role="alert" className="bg-bad-soft text-bad rounded-lg px-3 py-2 break-words">
              {state.failure}
            </p>
          )}
          {running.length > 0 && (
            <div className="bg-warn-soft rounded-lg px-3 py-2">
              <p>{t('volumes.restoreRunning')}</p>
              <ul>
                {running.map((user) => (
                  <li key={user.id}>
                    <UserLink user={user} />
                  </li>
                ))}
              </ul>
            </div>
          )}
          <div className="flex min-w-0 items-center gap-3">
            <Button icon={FileArchive} disabled={sending} onClick={() => picker.current?.click()}>
              {t('volumes.chooseArchive')}
            </Button>
            <span className="text-muted min-w-0 truncate" title={file?.name}>
              {file ? `${file.name} (${formatBytes(file.size)})` : t('volumes.archiveHint')}
            </span>
          </div>
          <input
            ref={picker}
            type="file"
            hidden
            aria-label={t('volumes.chooseArchive')}
            accept=".tar,.zst,.gz,.tgz,.xz,.bz2"
            onChange={(event) => setFile(event.target.files?.[0])}
          />
          {sending && (
            <ProgressBar
              label={t('volumes.restoring', { name })}
              value={file && state.sentBytes < file.size ? state.sentBytes / file.size : undefined}
            />
          )}
        </div>
      )}
    </Dialog>
  );
}
