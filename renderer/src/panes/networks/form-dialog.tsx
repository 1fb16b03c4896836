import { useId } from 'react';
import type { ComponentProps, FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiFailure } from '../../../../electron/api/types.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { FailureNote } from './failure-note.tsx';

interface FormDialogProps {
  title: string;
  width?: ComponentProps<typeof Dialog>['width'];
  action: string;
  isComplete: boolean;
  busy: boolean;
  failure: ApiFailure | undefined;
  onSubmit: (event: FormEvent) => void;
  onClose: () => void;
  children: ReactNode;
}

/** A form with what the engine said to it above its fields. */
export function FormDialog(props: FormDialogProps) {
  const { title, width = 'medium', action, isComplete, busy, failure, onSubmit, onClose, children } = props;
  const { t } = useTranslation();
  const formId = useId();
  return (
    <Dialog
      open
      title={title}
      width={width}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} busy={busy} disabled={!isComplete}>
            {action}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={onSubmit} className="flex flex-col gap-4">
        {failure && <FailureNote failure={failure} />}
        {children}
      </form>
    </Dialog>
  );
}
