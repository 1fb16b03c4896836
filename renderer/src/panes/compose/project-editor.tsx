import { useBlocker } from '@tanstack/react-router';
import { Play, Save, ShieldCheck, Square } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ComposeDiagnostic, ComposeFile } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { useStore } from '../../api/store.ts';
import type { CodeEditorHandle } from '../../code-editor/code-editor.tsx';
import { hasErrors } from '../../code-editor/diagnostics.ts';
import { Problems } from '../../code-editor/problems.tsx';
import { Button } from '../../design/button.tsx';
import { confirm } from '../../design/confirm.tsx';
import { toast } from '../../design/toast.tsx';
import { ProgressPanel } from './progress-panel.tsx';
import { beginRun, closeRun, composeRuns } from './compose-runs.ts';
import { useComposeSchema } from './use-compose.ts';
import { YamlEditor } from './yaml-editor.tsx';

export function ProjectEditor({ file }: { file: ComposeFile }) {
  const { t } = useTranslation();
  const { project } = file;
  const schema = useComposeSchema();
  const editor = useRef<CodeEditorHandle>(null);
  const [text, setText] = useState(file.text);
  const [savedText, setSavedText] = useState(file.text);
  const [diagnostics, setDiagnostics] = useState<ComposeDiagnostic[]>();
  const run = useStore(composeRuns)[project];
  const begin = (verb: 'up' | 'down', volumes: boolean) =>
    beginRun(
      verb,
      project,
      volumes,
      (worked) => worked && toast('good', t(`compose.${verb}Done`, { project })),
    );
  const dirty = text !== savedText;
  useUnsavedGuard(dirty, project);

  const validate = useCallback(
    async (content: string) => {
      const found = await api.compose.validate({ project, text: content });
      setDiagnostics(found);
      return found;
    },
    [project],
  );
  const save = async (): Promise<boolean> => {
    try {
      await api.compose.save({ project, text });
      setSavedText(text);
      void queryClient.invalidateQueries({ queryKey: queries.compose.key() });
      return true;
    } catch (error) {
      toast('bad', t('compose.saveFailed', { project }), toFailure(error).message);
      return false;
    }
  };
  const check = async (): Promise<boolean> => {
    try {
      editor.current?.lintNow();
      const found = await validate(text);
      return !hasErrors(found);
    } catch (error) {
      toast('bad', toFailure(error).message);
      return false;
    }
  };
  const saveAndSay = async () => {
    if (await save()) toast('good', t('compose.saved', { project }));
  };
  const up = async () => {
    if (!(await check())) toast('bad', t('compose.fixFirst'));
    else if (!dirty || (await save())) begin('up', false);
  };
  const down = async () => {
    const answer = await confirm({
      title: t('compose.downConfirm', { project }),
      body: t('compose.downBody'),
      action: t('compose.down'),
      option: { label: t('compose.downVolumes'), initial: false },
    });
    if (answer.confirmed) begin('down', answer.option);
  };

  return (
    <div className="flex h-full min-h-0 min-w-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 px-5 py-2.5">
        <div className="min-w-0 flex-1">
          <h2 className="flex items-center gap-2 font-semibold">
            <span className="truncate">{project}</span>
            {dirty && (
              <span
                role="img"
                aria-label={t('compose.unsaved')}
                title={t('compose.unsaved')}
                className="bg-accent size-2 shrink-0 rounded-full"
              />
            )}
          </h2>
          <p className="text-faint truncate text-sm" title={file.path} data-selectable>
            {file.path}
          </p>
        </div>
        <Button icon={ShieldCheck} onClick={() => void check()}>
          {t('compose.validate')}
        </Button>
        <Button icon={Save} disabled={!dirty} aria-keyshortcuts="Control+S" onClick={() => void saveAndSay()}>
          {t('compose.save')}
        </Button>
        <Button
          icon={Square}
          busy={run?.running && run.verb === 'down'}
          disabled={run?.running}
          onClick={() => void down()}
        >
          {t('compose.down')}
        </Button>
        <Button
          variant="primary"
          icon={Play}
          busy={run?.running && run.verb === 'up'}
          disabled={run?.running}
          onClick={() => void up()}
        >
          {t('compose.up')}
        </Button>
      </div>
      <div className="border-line bg-sidebar min-h-0 flex-1 border-t">
        <YamlEditor
          label={t('compose.file', { project })}
          initialText={file.text}
          schema={schema}
          validate={validate}
          onChange={setText}
          onSave={() => void saveAndSay()}
          handle={editor}
        />
      </div>
      <Problems diagnostics={diagnostics} onGo={(line) => editor.current?.goTo(line)} />
      {run && <ProgressPanel run={run} onClose={() => closeRun(project)} />}
    </div>
  );
}

/** Asks before unsaved text is left, inside the app and on closing the window. */
function useUnsavedGuard(dirty: boolean, project: string): void {
  const { t } = useTranslation();
  useBlocker({
    disabled: !dirty,
    enableBeforeUnload: dirty,
    shouldBlockFn: async () => {
      const answer = await confirm({
        title: t('compose.leaveTitle'),
        body: t('compose.leaveBody', { project }),
        action: t('compose.leave'),
      });
      return !answer.confirmed;
    },
  });
  useEffect(() => {
    document.title = dirty ? '• Gantry' : 'Gantry';
    return () => {
      document.title = 'Gantry';
    };
  }, [dirty]);
}
