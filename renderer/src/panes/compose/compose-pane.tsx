import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { FileCode2, Layers, Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ComposeProject } from '../../../../electron/api/types.ts';
import { StatusDot } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { cx } from '../../design/class-names.ts';
import { Page } from '../../design/page.tsx';
import { EmptyState, ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { ListBody } from '../../engine-objects/list-body.tsx';
import { NewProjectDialog } from './new-project-dialog.tsx';
import { ProjectEditor } from './project-editor.tsx';
import { useComposeFile, useProjects } from './use-compose.ts';

const route = getRouteApi('/shell/compose');
const none: ComposeProject[] = [];

export function ComposePane() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { project } = route.useSearch();
  const query = useProjects();
  const projects = query.data ?? none;
  const [creating, setCreating] = useState(false);
  const open = (name: string) => void navigate({ to: '/compose', search: { project: name } });
  const chosen = projects.find((candidate) => candidate.project === project) ?? projects[0];

  return (
    <Page
      title={t('compose.title')}
      actions={
        projects.length > 0 && (
          <Button icon={Plus} onClick={() => setCreating(true)}>
            {t('compose.newProject')}
          </Button>
        )
      }
    >
      <ListBody query={query}>
        {projects.length === 0 ? (
          <EmptyState icon={Layers} title={t('compose.emptyTitle')} body={t('compose.emptyBody')}>
            <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
              {t('compose.newProject')}
            </Button>
          </EmptyState>
        ) : (
          <div className="border-line flex h-full min-h-0 border-t">
            <ProjectList projects={projects} chosen={chosen?.project} onOpen={open} />
            <div className="min-w-0 flex-1">
              {chosen && <ProjectBody key={chosen.project} project={chosen} />}
            </div>
          </div>
        )}
      </ListBody>
      {creating && (
        <NewProjectDialog
          taken={projects.map((candidate) => candidate.project)}
          onClose={() => setCreating(false)}
          onCreated={(name) => {
            setCreating(false);
            open(name);
          }}
        />
      )}
    </Page>
  );
}

function ProjectList({
  projects,
  chosen,
  onOpen,
}: {
  projects: ComposeProject[];
  chosen: string | undefined;
  onOpen: (project: string) => void;
}) {
  const { t } = useTranslation();
  return (
    <nav
      aria-label={t('compose.projects')}
      className="border-line w-44 shrink-0 overflow-y-auto border-r p-2 min-[1000px]:w-60"
    >
      {projects.map((candidate) => {
        const count = candidate.services.reduce((sum, service) => sum + service.containers, 0);
        const running = candidate.services.reduce((sum, service) => sum + service.running, 0);
        const tone = running === 0 ? 'idle' : running === count ? 'good' : 'warn';
        return (
          <button
            key={candidate.project}
            type="button"
            aria-current={candidate.project === chosen ? 'page' : undefined}
            onClick={() => onOpen(candidate.project)}
            className={cx(
              'flex w-full flex-col rounded-md px-2.5 py-1.5 text-left',
              candidate.project === chosen ? 'bg-pressed' : 'hover:bg-hover',
            )}
          >
            <span className="flex w-full min-w-0 items-center gap-2">
              <StatusDot tone={tone} />
              <span className="truncate font-semibold" title={candidate.project}>
                {candidate.project}
              </span>
            </span>
            <span className="text-faint w-full truncate pl-4 text-sm">
              {count === 0 ? t('compose.notRunning') : t('compose.running', { running, count })}
              {candidate.path === undefined && ` · ${t('compose.elsewhere')}`}
            </span>
          </button>
        );
      })}
    </nav>
  );
}

function ProjectBody({ project }: { project: ComposeProject }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  if (project.path === undefined) {
    return (
      <EmptyState icon={FileCode2} title={t('compose.elsewhere')} body={t('compose.elsewhereBody')}>
        <Button onClick={() => void navigate({ to: '/containers' })}>{t('compose.showContainers')}</Button>
      </EmptyState>
    );
  }
  return <ProjectFile project={project.project} />;
}

function ProjectFile({ project }: { project: string }) {
  const query = useComposeFile(project);
  if (query.isPending) {
    return (
      <div className="px-5">
        <SkeletonBlock lines={10} />
      </div>
    );
  }
  if (!query.data) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return <ProjectEditor file={query.data} />;
}
