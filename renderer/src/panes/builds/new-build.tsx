import { Hammer } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DockerfileDescription } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { useStore } from '../../api/store.ts';
import type { CodeEditorHandle } from '../../code-editor/code-editor.tsx';
import { hasErrors } from '../../code-editor/diagnostics.ts';
import { Problems } from '../../code-editor/problems.tsx';
import { Button } from '../../design/button.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { toast } from '../../design/toast.tsx';
import { buildForm, changeForm, toBuildRequest, validateForm } from './build-form.ts';
import { BuildOptions } from './build-options.tsx';
import { beginBuild } from './build-runs.ts';
import { DockerfileEditor } from './dockerfile-editor.tsx';
import { FolderSource } from './folder-source.tsx';
import { StageGraph } from './stage-graph.tsx';
import { isNotAvailable } from './use-builds.ts';

const nothingKnown: DockerfileDescription = { diagnostics: [], stages: [] };

/** What to build and how. `onBegun` hears the key of the run. */
export function NewBuild({ onBegun }: { onBegun: (key: string) => void }) {
  const { t } = useTranslation();
  const form = useStore(buildForm);
  const editor = useRef<CodeEditorHandle>(null);
  const place = form.kind === 'text' ? '' : `${form.folder.trim()} ${form.dockerfile.trim()}`;
  const [described, setDescribed] = useState<{ place: string; description: DockerfileDescription }>();
  // What another Dockerfile was like says nothing about this one.
  const description = described?.place === place ? described.description : undefined;
  const [isTried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const errors = isTried ? validateForm(form) : {};

  /** On other engines nothing is known before the build. */
  const describe = async (text: string): Promise<DockerfileDescription['diagnostics']> => {
    try {
      const found = await api.builds.describe({ text });
      setDescribed({ place, description: found });
      return found.diagnostics;
    } catch (error) {
      setDescribed(undefined);
      if (isNotAvailable(error)) return nothingKnown.diagnostics;
      throw error;
    }
  };
  const build = async () => {
    setTried(true);
    if (Object.keys(validateForm(form)).length > 0) return;
    setBusy(true);
    try {
      const { edited } = form;
      const text = form.kind === 'text' ? form.text : edited?.text;
      if (text !== undefined && hasErrors(await describe(text))) {
        toast('bad', t('compose.fixFirst'));
        return;
      }
      if (form.kind === 'folder' && edited) {
        await api.builds.save(edited);
        changeForm({ edited: undefined });
      }
      onBegun(beginBuild(toBuildRequest(form)));
    } catch (error) {
      toast('bad', t('builds.notBegun'), toFailure(error).message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="flex h-full min-h-0 min-w-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 px-5 py-2.5">
        <Segmented
          label={t('builds.source')}
          value={form.kind}
          onChange={(kind) => changeForm({ kind })}
          options={[
            { value: 'text', label: t('builds.fromText') },
            { value: 'folder', label: t('builds.fromFolder') },
          ]}
        />
        <span className="ml-auto">
          <Button variant="primary" icon={Hammer} busy={busy} onClick={() => void build()}>
            {t('builds.build')}
          </Button>
        </span>
      </div>
      <div className="border-line flex min-h-0 flex-1 flex-col overflow-y-auto border-t min-[1100px]:flex-row min-[1100px]:overflow-hidden">
        <div className="flex min-h-80 min-w-0 flex-1 flex-col">
          {form.kind === 'folder' ? (
            <FolderSource form={form} errors={errors} validate={describe} handle={editor} />
          ) : (
            <div className="bg-sidebar min-h-0 flex-1">
              <DockerfileEditor
                key="text"
                label={t('builds.pasted')}
                initialText={form.text}
                validate={describe}
                onChange={(text) => changeForm({ text })}
                handle={editor}
              />
            </div>
          )}
          {errors.text && (
            <p role="alert" className="text-bad px-5 py-1.5">
              {t(`builds.errors.${errors.text}`)}
            </p>
          )}
          <Problems diagnostics={description?.diagnostics} onGo={(line) => editor.current?.goTo(line)} />
          {description && description.stages.length > 1 && (
            <div className="border-line max-h-44 shrink-0 overflow-y-auto border-t">
              <StageGraph stages={description.stages} />
            </div>
          )}
        </div>
        <BuildOptions form={form} errors={errors} stages={description?.stages ?? nothingKnown.stages} />
      </div>
    </div>
  );
}
