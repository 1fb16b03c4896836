import { useState } from 'react';
import type { FormEvent } from 'react';
import type { ApiFailure } from '../../../electron/api/types.ts';
import { toFailure } from '../api/failure.ts';
import { toast } from '../design/toast.tsx';

interface Submission {
  isComplete: boolean;
  /** Resolves with what is told when it is done. */
  work: () => Promise<string>;
  onDone: () => void;
}

/** A form on its way to the engine: busy meanwhile, done with a toast, or the failure to show in it. */
export function useSubmit({ isComplete, work, onDone }: Submission) {
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isComplete) return;
    setBusy(true);
    setFailure(undefined);
    try {
      toast('good', await work());
      onDone();
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
    }
  };
  return { failure, busy, onSubmit: (event: FormEvent) => void submit(event) };
}
