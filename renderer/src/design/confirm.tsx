import { AlertDialog } from 'radix-ui';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createStore, useStore } from '../api/store.ts';
import { Button } from './button.tsx';
import { Checkbox } from './field.tsx';

export interface Confirmation {
  title: string;
  /** What happens, in one sentence. */
  body: string;
  /** What is lost, one line each; drawn apart so that it is read. */
  losses?: string[];
  action: string;
  option?: { label: string; initial: boolean };
}

type Answer = { confirmed: false } | { confirmed: true; option: boolean };
const asked = createStore<{ question: Confirmation; answer: (answer: Answer) => void } | undefined>(
  undefined,
);

/** Asks before something is destroyed; resolves with what the user chose. */
export function confirm(question: Confirmation): Promise<Answer> {
  return new Promise((answer) => asked.set({ question, answer }));
}

export function ConfirmHost() {
  const current = useStore(asked);
  return current ? <ConfirmDialog key={current.question.title} {...current} /> : null;
}

function ConfirmDialog({ question, answer }: { question: Confirmation; answer: (answer: Answer) => void }) {
  const { t } = useTranslation();
  const [option, setOption] = useState(question.option?.initial ?? false);
  const close = (result: Answer) => {
    asked.set(undefined);
    answer(result);
  };
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && close({ confirmed: false })}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="animate-overlay bg-scrim fixed inset-0 z-50" />
        <AlertDialog.Content className="animate-dialog bg-raised shadow-overlay fixed inset-x-4 top-[18vh] z-50 mx-auto max-w-110 rounded-xl p-5">
          <AlertDialog.Title className="text-lg font-semibold break-words">
            {question.title}
          </AlertDialog.Title>
          <AlertDialog.Description className="text-muted mt-1.5">{question.body}</AlertDialog.Description>
          {question.losses && question.losses.length > 0 && (
            <ul className="bg-bad-soft text-bad mt-3 max-h-40 list-disc overflow-y-auto rounded-lg py-2 pr-3 pl-7 break-words">
              {question.losses.map((loss) => (
                <li key={loss}>{loss}</li>
              ))}
            </ul>
          )}
          {question.option && (
            <div className="mt-3">
              <Checkbox label={question.option.label} checked={option} onChange={setOption} />
            </div>
          )}
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{t('common.cancel')}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild onClick={() => close({ confirmed: true, option })}>
              <Button variant="danger">{question.action}</Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
