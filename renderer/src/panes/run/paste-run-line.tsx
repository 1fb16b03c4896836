import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../design/button.tsx';
import { Field } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { parseRunLine } from './docker-run-line.ts';
import type { RunForm } from './run-form.ts';

export function PasteRunLine({ onRead }: { onRead: (form: RunForm) => void }) {
  const { t } = useTranslation();
  const [line, setLine] = useState('');
  const [invalid, setInvalid] = useState(false);
  const read = () => {
    const parsed = parseRunLine(line);
    setInvalid(!parsed);
    if (!parsed) return;
    if (parsed.unsupported.length > 0) {
      toast('info', t('run.pasteUnsupported', { flags: parsed.unsupported.join(', ') }));
    }
    onRead(parsed.form);
  };
  return (
    <div className="bg-sidebar border-line mb-4 rounded-lg border p-3">
      <Field
        label={t('run.pasteLabel')}
        hint={t('run.pasteHint')}
        error={invalid ? t('run.pasteInvalid') : undefined}
      >
        {(control) => (
          <textarea
            {...control}
            rows={3}
            spellCheck={false}
            autoFocus
            value={line}
            onChange={(event) => setLine(event.target.value)}
            placeholder="docker run -d --name web -p 8080:80 nginx"
            className="bg-surface border-line-strong placeholder:text-faint aria-invalid:border-bad rounded-md border px-2.5 py-1.5 font-mono text-sm"
          />
        )}
      </Field>
      <Button className="mt-2" disabled={line.trim() === ''} onClick={read}>
        {t('run.pasteRead')}
      </Button>
    </div>
  );
}
