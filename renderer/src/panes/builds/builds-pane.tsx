import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../api/store.ts';
import { Button } from '../../design/button.tsx';
import { Page } from '../../design/page.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { buildRuns } from './build-runs.ts';
import { addMessages, endProgress, noProgress } from './build-steps.ts';
import { BuildList } from './build-list.tsx';
import { BuildView } from './build-view.tsx';
import { NewBuild } from './new-build.tsx';
import { useBuild } from './use-builds.ts';

const route = getRouteApi('/shell/builds');

export function BuildsPane() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { build } = route.useSearch();
  const open = (key: string | undefined) =>
    void navigate({ to: '/builds', search: key === undefined ? {} : { build: key } });
  return (
    <Page
      title={t('builds.title')}
      actions={
        build !== undefined && (
          <Button icon={Plus} onClick={() => open(undefined)}>
            {t('builds.newBuild')}
          </Button>
        )
      }
    >
      <div className="border-line flex h-full min-h-0 border-t">
        <BuildList chosen={build} onOpen={open} />
        <div className="min-w-0 flex-1">
          {build === undefined ? <NewBuild onBegun={open} /> : <ChosenBuild key={build} build={build} />}
        </div>
      </div>
    </Page>
  );
}

function ChosenBuild({ build }: { build: string }) {
  const run = useStore(buildRuns).find(({ key }) => key === build);
  return run ? <BuildView build={{ ...run, tags: run.request.tags }} /> : <RememberedBuild id={build} />;
}

/** A build as the engine's history has it. */
function RememberedBuild({ id }: { id: string }) {
  const query = useBuild(id);
  if (query.isPending) {
    return (
      <div className="px-5">
        <SkeletonBlock lines={10} />
      </div>
    );
  }
  if (!query.data) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  const { data } = query;
  const read = addMessages(noProgress, data.log);
  const progress = data.status === 'running' ? read : endProgress(read, data.finishedAt);
  // The failure itself is not part of the log.
  const steps = progress.steps.map((step, index) =>
    data.status === 'failed' && step.state === 'stopped' && index === progress.steps.length - 1
      ? { ...step, state: 'failed' as const }
      : step,
  );
  return (
    <BuildView
      build={{ ...data, progress: { ...progress, steps, error: data.error, imageId: data.imageId } }}
    />
  );
}
