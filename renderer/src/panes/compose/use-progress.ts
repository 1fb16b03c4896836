import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { openStream } from '../../api/stream.ts';
import { toast } from '../../design/toast.tsx';
import { addProgress } from './progress.ts';
import type { ProgressRow } from './progress.ts';

export interface ComposeRun {
  verb: 'up' | 'down';
  project: string;
  rows: ProgressRow[];
  running: boolean;
  failed: boolean;
  failure: string | undefined;
}

/** Runs Up or Down and collects its live progress. */
export function useComposeRun() {
  const { t } = useTranslation();
  const [run, setRun] = useState<ComposeRun>();
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);

  const begin = useCallback(
    (verb: 'up' | 'down', project: string, volumes: boolean) => {
      let failed = false;
      setRun({ verb, project, rows: [], running: true, failed: false, failure: undefined });
      const finish = (failure: string | undefined) => {
        setRun(
          (current) =>
            current && { ...current, running: false, failed: failed || failure !== undefined, failure },
        );
        for (const key of [queries.compose.key(), queries.containers.key()]) {
          void queryClient.invalidateQueries({ queryKey: key });
        }
        if (!failed && !failure) toast('good', t(`compose.${verb}Done`, { project }));
      };
      stop.current = openStream(
        (signal) =>
          verb === 'up'
            ? api.compose.up({ project }, { signal })
            : api.compose.down({ project, volumes }, { signal }),
        {
          onValue: (step) => {
            setRun((current) => {
              if (!current) return current;
              return { ...current, rows: addProgress(current.rows, step) };
            });
            failed ||= /error|failed/i.test(step.status);
          },
          onEnd: () => finish(undefined),
          onError: (error) => finish(toFailure(error).message),
        },
      );
    },
    [t],
  );
  const close = useCallback(() => setRun(undefined), []);
  return { run, begin, close };
}
