import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/card.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { volumeNameFor } from './data-loss.ts';

/** A directory of the container for a volume; says what happens to the container meanwhile, and what stays to do. */
export function MoveDialog({
  container,
  path: suggested,
  onClose,
}: {
  container: ContainerDetails;
  path: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [path, setPath] = useState(suggested);
  const [volume, setVolume] = useState(volumeNameFor(container.name, suggested));
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const mount = container.compose ? `- ${volume}:${path}` : `-v ${volume}:${path}`;
  const move = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      await api.containers.moveToVolume({ id: container.id, path, volume });
      toast('good', t('details.dataLoss.moved', { path, volume }));
      onClose();
    } catch (error) {
      setFailure(toFailure(error).message);
      setBusy(false);
    }
  };
  const isRunning = container.state === 'running' || container.state === 'restarting';
  return (
    <Dialog
      open
      title={t('details.dataLoss.moveTitle')}
      description={t(isRunning ? 'details.dataLoss.moveRunning' : 'details.dataLoss.moveStopped')}
      onClose={() => !busy && onClose()}
      footer={
        <>
          <Button disabled={busy} onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="primary"
            busy={busy}
            disabled={volume === '' || !path.startsWith('/')}
            onClick={() => void move()}
          >
            {t('details.dataLoss.move')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {failure && (
          <p role="alert" className="bg-bad-soft text-bad rounded-lg px-3 py-2 break-words">
            {failure}
          </p>
        )}
        <Field label={t('details.dataLoss.directory')}>
          {(control) => (
            <Input
              {...control}
              className="font-mono"
              value={path}
              onChange={(event) => setPath(event.target.value)}
            />
          )}
        </Field>
        <Field label={t('details.dataLoss.volume')}>
          {(control) => (
            <Input {...control} value={volume} onChange={(event) => setVolume(event.target.value)} />
          )}
        </Field>
        <div className="bg-hover rounded-lg px-3 py-2">
          <p className="text-muted text-sm">
            {t(container.compose ? 'details.dataLoss.thenCompose' : 'details.dataLoss.thenRun')}
          </p>
          <p className="flex min-w-0 items-center gap-1">
            <Code>{mount}</Code>
            <CopyButton text={mount} />
          </p>
        </div>
      </div>
    </Dialog>
  );
}
