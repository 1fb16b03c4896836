import { useCallback, useState } from 'react';
import { toFailure } from '../api/failure.ts';
import { confirm } from '../design/confirm.tsx';
import type { Confirmation } from '../design/confirm.tsx';
import { toast } from '../design/toast.tsx';

interface Task {
  /** Asked first when given; `work` gets the answer to its option. */
  question?: Confirmation;
  work: (option: boolean) => Promise<unknown>;
  done: string;
  failed: string;
}

/** One action with its confirmation, its busy time and its toast; resolves with whether it was done. */
export function useTask() {
  const [busy, setBusy] = useState(false);
  const perform = useCallback(async ({ question, work, done, failed }: Task): Promise<boolean> => {
    const answer = question ? await confirm(question) : { confirmed: true as const, option: false };
    if (!answer.confirmed) return false;
    setBusy(true);
    try {
      await work(answer.option);
      toast('good', done);
      return true;
    } catch (error) {
      const failure = toFailure(error);
      toast('bad', failed, [failure.message, failure.hint].filter(Boolean).join('\n'));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { perform, busy };
}
