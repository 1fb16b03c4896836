import { useQuery } from '@tanstack/react-query';
import { FolderOpen } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Ref } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { inDesktopShell } from '../../api/transport.ts';
import type { CodeEditorHandle } from '../../code-editor/code-editor.tsx';
import type { Diagnostic } from '../../code-editor/diagnostics.ts';
import { IconButton } from '../../design/button.tsx';
import { Field, Input } from '../../design/field.tsx';
import { SkeletonBlock } from '../../design/states.tsx';
import { toast } from '../../design/toast.tsx';
import { changeForm } from './build-form.ts';
import type { BuildForm, validateForm } from './build-form.ts';
import { DockerfileEditor } from './dockerfile-editor.tsx';

/** By the system's own dialog. */
async function chooseFolder(): Promise<void> {
  try {
    const { folder } = await api.windows.chooseFolder();
    if (folder !== '') changeForm({ folder });
  } catch (error) {
    toast('bad', toFailure(error).message);
  }
}

interface Place {
  folder: string;
  dockerfile: string;
}

/** A folder on this machine, with its Dockerfile in the editor. */
export function FolderSource({
  form,
  errors,
  validate,
  handle,
}: {
  form: BuildForm;
  errors: ReturnType<typeof validateForm>;
  validate: (text: string) => Promise<Diagnostic[]>;
  handle: Ref<CodeEditorHandle>;
}) {
  const { t } = useTranslation();
  const place = useSettled({ folder: form.folder.trim(), dockerfile: form.dockerfile.trim() });
  return (
    <>
      <div className="grid shrink-0 gap-3 px-5 py-3 min-[700px]:grid-cols-[2fr_1fr]">
        <Field label={t('builds.folder')} error={errors.folder && t(`builds.errors.${errors.folder}`)}>
          {(control) => (
            <span className="flex gap-1.5">
              <Input
                {...control}
                className="font-mono"
                placeholder="/home/…"
                value={form.folder}
                onChange={(event) => changeForm({ folder: event.target.value })}
              />
              {inDesktopShell() && (
                <IconButton
                  label={t('builds.chooseFolder')}
                  icon={FolderOpen}
                  onClick={() => void chooseFolder()}
                />
              )}
            </span>
          )}
        </Field>
        <Field label={t('builds.dockerfile')}>
          {(control) => (
            <Input
              {...control}
              className="font-mono"
              placeholder="Dockerfile"
              value={form.dockerfile}
              onChange={(event) => changeForm({ dockerfile: event.target.value })}
            />
          )}
        </Field>
      </div>
      {place.folder.startsWith('/') ? (
        <FolderDockerfile
          key={`${place.folder} ${place.dockerfile}`}
          place={place}
          edited={form.edited}
          validate={validate}
          handle={handle}
        />
      ) : (
        <p className="text-faint border-line flex-1 border-t px-5 py-3">{t('builds.folderHint')}</p>
      )}
    </>
  );
}

function FolderDockerfile({
  place,
  edited,
  validate,
  handle,
}: {
  place: Place;
  edited: BuildForm['edited'];
  validate: (text: string) => Promise<Diagnostic[]>;
  handle: Ref<CodeEditorHandle>;
}) {
  const { t } = useTranslation();
  const query = useQuery({
    ...queries.builds.read.queryOptions({ input: place }),
    refetchOnMount: 'always',
    gcTime: 0,
    retry: false,
  });
  if (query.isPending) {
    return (
      <div className="px-5">
        <SkeletonBlock lines={8} />
      </div>
    );
  }
  if (!query.data) {
    return (
      <p role="alert" className="text-bad border-line flex-1 border-t px-5 py-3 break-words">
        {toFailure(query.error).message}
      </p>
    );
  }
  const { text } = query.data;
  const own = edited?.folder === place.folder && edited.dockerfile === place.dockerfile ? edited : undefined;
  return (
    <>
      {own && <p className="text-warn shrink-0 px-5 pb-2 text-sm">{t('builds.edited')}</p>}
      <div className="border-line bg-sidebar min-h-40 flex-1 border-t">
        <DockerfileEditor
          label={t('builds.dockerfileOf', { folder: place.folder })}
          initialText={own?.text ?? text}
          validate={validate}
          onChange={(next) => changeForm({ edited: next === text ? undefined : { ...place, text: next } })}
          handle={handle}
        />
      </div>
    </>
  );
}

/** The place once nothing was typed for a moment. */
function useSettled({ folder, dockerfile }: Place): Place {
  const [settled, setSettled] = useState<Place>({ folder, dockerfile });
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled({ folder, dockerfile }), 400);
    return () => window.clearTimeout(timer);
  }, [folder, dockerfile]);
  return settled;
}
