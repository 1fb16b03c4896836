import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkSummary } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { CopyButton } from '../../design/copy-button.tsx';
import { useSubmit } from '../../engine-objects/use-submit.ts';
import { DriverFields } from './driver-fields.tsx';
import { FormDialog } from './form-dialog.tsx';
import { checkNetworkForm, emptyNetworkForm, toCommandLine, toNetworkRequest } from './network-form.ts';
import type { NetworkForm } from './network-form.ts';
import { FamilyFields, NameFields, PairFields, ReachFields } from './network-fields.tsx';
import { PoolRows } from './pool-rows.tsx';

interface CreateNetworkDialogProps {
  existing: readonly NetworkSummary[];
  onClose: () => void;
}

/** Says while typing what cannot be; the rest is the engine's to say. */
export function CreateNetworkDialog({ existing, onClose }: CreateNetworkDialogProps) {
  const { t } = useTranslation();
  const [form, setForm] = useState<NetworkForm>(emptyNetworkForm);
  const problems = useMemo(() => checkNetworkForm(form, existing), [form, existing]);
  const isComplete = form.name.trim() !== '' && Object.keys(problems).length === 0;
  const submission = useSubmit({
    isComplete,
    async work() {
      const request = toNetworkRequest(form);
      await api.networks.create(request);
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      return t('networks.created', { name: request.name });
    },
    onDone: onClose,
  });
  const fields = {
    form,
    change: (part: Partial<NetworkForm>) => setForm({ ...form, ...part }),
    problemAt: (where: string) => {
      const found = problems[where];
      return found && t(`networks.problems.${found.problem}`, { with: found.with });
    },
  };
  return (
    <FormDialog
      width="large"
      title={t('networks.create')}
      action={t('common.create')}
      isComplete={isComplete}
      onClose={onClose}
      {...submission}
    >
      <NameFields {...fields} />
      <DriverFields {...fields} />
      <FamilyFields {...fields} />
      <PoolRows
        pools={form.pools}
        onChange={(pools) => fields.change({ pools })}
        problemAt={fields.problemAt}
      />
      <ReachFields {...fields} />
      <PairFields {...fields} />
      <CommandLine text={toCommandLine(form)} />
    </FormDialog>
  );
}

function CommandLine({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('networks.form.command')}>
      <h3 className="text-muted text-sm font-semibold">{t('networks.form.command')}</h3>
      <div className="bg-hover mt-1 flex items-start gap-1 rounded-lg py-1 pr-1 pl-3">
        <code className="min-w-0 flex-1 py-1 text-sm [overflow-wrap:anywhere]">{text}</code>
        <CopyButton text={text} label={t('networks.form.copyCommand')} />
      </div>
    </section>
  );
}
