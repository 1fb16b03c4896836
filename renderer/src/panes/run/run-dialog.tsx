import { useNavigate } from '@tanstack/react-router';
import { ChevronRight, ClipboardPaste, Play, TriangleAlert } from 'lucide-react';
import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiFailure } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { useStore } from '../../api/store.ts';
import { runDialogStore } from '../../containers/run-dialog-store.ts';
import { Button } from '../../design/button.tsx';
import { cx } from '../../design/class-names.ts';
import { Dialog } from '../../design/dialog.tsx';
import { toast } from '../../design/toast.tsx';
import { AdvancedFields } from './advanced-fields.tsx';
import { BasicFields } from './basic-fields.tsx';
import { PasteRunLine } from './paste-run-line.tsx';
import { emptyRunForm, isValid, toRunRequest, validateRunForm } from './run-form.ts';
import type { RunErrors, RunForm } from './run-form.ts';

/** Mounted once; opened through the store from wherever a container can be run. */
export function RunDialogHost() {
  const asked = useStore(runDialogStore);
  return asked ? <RunDialog key={asked.image} image={asked.image} /> : null;
}

const advancedFields = [
  'entrypoint',
  'memory',
  'cpus',
  'pids',
  'restartRetries',
  'workingDirectory',
  'autoRemove',
];

function RunDialog({ image }: { image: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const formId = useId();
  const [form, setForm] = useState<RunForm>(() => emptyRunForm(image));
  const [errors, setErrors] = useState<RunErrors>({});
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const [advanced, setAdvanced] = useState(false);
  const [pasting, setPasting] = useState(false);
  const close = () => runDialogStore.set(undefined);

  const change = (part: Partial<RunForm>) => {
    const next = { ...form, ...part };
    setForm(next);
    if (!isValid(errors)) setErrors(validateRunForm(next));
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = validateRunForm(form);
    setErrors(found);
    if (!isValid(found)) {
      if (advancedFields.some((field) => found[field])) setAdvanced(true);
      requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      const { id, warnings } = await api.containers.run(toRunRequest(form));
      void queryClient.invalidateQueries({ queryKey: queries.containers.key() });
      toast('good', t('run.started', { name: form.name.trim() || form.image }), warnings.join('\n'));
      close();
      void navigate({ to: '/containers/$id', params: { id } });
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={t('run.title')}
      open
      onClose={close}
      width="large"
      footer={
        <>
          <Button
            variant="ghost"
            icon={ClipboardPaste}
            className="mr-auto -ml-2"
            aria-expanded={pasting}
            onClick={() => setPasting(!pasting)}
          >
            {t('run.paste')}
          </Button>
          <Button onClick={close}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={Play} type="submit" form={formId} busy={busy}>
            {t('run.run')}
          </Button>
        </>
      }
    >
      {pasting && (
        <PasteRunLine
          onRead={(read) => {
            setForm(read);
            setErrors({});
            setPasting(false);
          }}
        />
      )}
      <form id={formId} noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {failure && <RunFailure failure={failure} />}
        <BasicFields form={form} errors={errors} change={change} />
        <button
          type="button"
          aria-expanded={advanced}
          onClick={() => setAdvanced(!advanced)}
          className="text-muted hover:text-text -ml-1 flex items-center gap-1 self-start rounded-md px-1 font-semibold"
        >
          <ChevronRight
            size={14}
            aria-hidden
            className={cx('transition-transform', advanced && 'rotate-90')}
          />
          {t('run.advanced')}
        </button>
        {advanced && <AdvancedFields form={form} errors={errors} change={change} />}
      </form>
    </Dialog>
  );
}

function RunFailure({ failure }: { failure: ApiFailure }) {
  const { t } = useTranslation();
  const portTaken = /port.*(already|in use|held|allocated)/i.test(failure.message);
  return (
    <div role="alert" className="bg-bad-soft flex gap-2.5 rounded-lg px-3 py-2.5">
      <TriangleAlert size={16} className="text-bad mt-0.5 shrink-0" aria-hidden />
      <div className="min-w-0" data-selectable>
        <p className="text-bad font-semibold">{t(portTaken ? 'run.portTaken' : 'run.failed')}</p>
        <p className="break-words">{failure.message}</p>
        {failure.hint && <p className="text-muted">{failure.hint}</p>}
      </div>
    </div>
  );
}
