import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { toFailure } from '../api/failure.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, Input } from './field.tsx';

interface TextDialogProps {
  title: string;
  label: string;
  hint?: string;
  placeholder?: string;
  initial?: string;
  submitLabel: string;
  /** false: an empty text may be submitted. */
  required?: boolean;
  /** What is wrong with the text, in words. */
  validate?: (text: string) => string | undefined;
  /** Gets the trimmed text; what it throws is shown at the field. */
  submit: (text: string) => Promise<void>;
  onClose: () => void;
}

/** Asks for one line of text. */
export function TextDialog(props: TextDialogProps) {
  const { t } = useTranslation();
  const formId = useId();
  const [text, setText] = useState(props.initial ?? '');
  const [error, setError] = useState<string>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = props.validate?.(text.trim());
    if (wrong) {
      setError(wrong);
      return;
    }
    try {
      await props.submit(text.trim());
    } catch (cause) {
      setError(toFailure(cause).message);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={props.title}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{t('common.cancel')}</Button>
          <Button
            variant="primary"
            type="submit"
            form={formId}
            disabled={props.required !== false && text.trim() === ''}
          >
            {props.submitLabel}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void send(event)}>
        <Field label={props.label} hint={props.hint} error={error}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              placeholder={props.placeholder}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
