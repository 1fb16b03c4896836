import type { ApiFailure } from '../../../../electron/api/types.ts';

/** What the engine said to a form. */
export function FailureNote({ failure }: { failure: ApiFailure }) {
  return (
    <div role="alert" className="bg-bad-soft text-bad rounded-lg px-3 py-2 break-words" data-selectable>
      <p>{failure.message}</p>
      {failure.hint && <p className="text-muted">{failure.hint}</p>}
    </div>
  );
}
