import { useNavigate } from '@tanstack/react-router';
import { Box, Play, SearchX } from 'lucide-react';
import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { openRunDialog } from '../../containers/run-dialog-store.ts';
import { canDo } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { useContainerActions } from '../../containers/use-container-actions.ts';
import { useContainers } from '../../containers/use-containers.ts';
import { Button } from '../../design/button.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { isString, isStringArray, useRemembered } from '../../design/remembered.ts';
import { Segmented } from '../../design/segmented.tsx';
import { EmptyState, ErrorState, SkeletonRows } from '../../design/states.tsx';
import { useNow } from '../../format/use-now.ts';
import { BulkBar } from './bulk-bar.tsx';
import { containerColumns } from './columns.tsx';
import { filterContainers, isStateTab } from './filter-containers.ts';
import type { StateTab } from './filter-containers.ts';
import { ProjectRow } from './project-row.tsx';
import { PruneContainers } from './prune-containers.tsx';

const projectOf = (container: ContainerSummary) => container.compose?.project;
const none: ContainerSummary[] = [];

export function ContainersPane() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const query = useContainers();
  const sinceFetchMs = Math.max(0, useNow() - query.dataUpdatedAt);
  const all = query.data ?? none;
  const [text, setText] = useRemembered('containers.filter', '', isString);
  const [tab, setTab] = useRemembered<StateTab>('containers.tab', 'all', isStateTab);
  const [collapsed, setCollapsed] = useRemembered('containers.collapsed', [], isStringArray);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const { act, busy } = useContainerActions();

  const filter = useDeferredValue(text);
  const { rows, counts } = useMemo(() => filterContainers(all, { text: filter, tab }), [all, filter, tab]);
  const selected = useMemo(() => rows.filter((row) => selection.has(row.id)), [rows, selection]);
  const run = useCallback(
    (verb: Verb, targets: ContainerSummary[]) => {
      void act(verb, targets).then((done) => {
        if (verb === 'remove')
          setSelection((current) => new Set([...current].filter((id) => !done.includes(id))));
      });
    },
    [act],
  );
  const columns = useMemo(
    () => containerColumns({ t, language: i18n.language, sinceFetchMs, busy, act: run }),
    [t, i18n.language, sinceFetchMs, busy, run],
  );
  const collapsedSet = useMemo(() => new Set(collapsed), [collapsed]);
  const open = (id: string, detail?: string) =>
    void navigate({ to: '/containers/$id', params: { id }, search: detail ? { tab: detail } : {} });

  const onRowKey = (row: ContainerSummary, key: string): boolean => {
    const verbs: Record<string, () => void> = {
      s: () => run(canDo('start', row.state) ? 'start' : 'stop', [row]),
      r: () => run('restart', [row]),
      l: () => open(row.id, 'logs'),
      t: () => open(row.id, 'terminal'),
      Delete: () => run('remove', selected.length > 0 ? selected : [row]),
    };
    verbs[key]?.();
    return key in verbs;
  };

  return (
    <Page
      title={t('containers.title')}
      actions={
        <>
          <PruneContainers stopped={all.filter((container) => canDo('start', container.state))} />
          <Button variant="primary" icon={Play} aria-keyshortcuts="c" onClick={() => openRunDialog()}>
            {t('containers.run')}
          </Button>
        </>
      }
      toolbar={
        selected.length > 0 ? (
          <BulkBar selected={selected} act={run} onClear={() => setSelection(new Set())} />
        ) : (
          <>
            <Segmented
              label={t('containers.stateFilter')}
              value={tab}
              onChange={setTab}
              options={(['all', 'running', 'stopped'] as const).map((value) => ({
                value,
                label: t(`containers.${value}`),
                count: counts[value],
              }))}
            />
            <FilterInput label={t('containers.filter')} value={text} onChange={setText} />
          </>
        )
      }
    >
      {query.isPending ? (
        <SkeletonRows height={42} rows={10} />
      ) : query.isError && all.length === 0 ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} />
      ) : (
        <DataTable
          id="containers"
          label={t('containers.title')}
          rows={rows}
          columns={columns}
          rowId={(row) => row.id}
          rowName={(row) => row.name}
          initialSort={{ id: 'name', desc: false }}
          onOpen={(row) => open(row.id)}
          onRowKey={onRowKey}
          selection={selection}
          onSelectionChange={setSelection}
          groupOf={projectOf}
          collapsed={collapsedSet}
          renderGroup={(project, members) => (
            <ProjectRow
              project={project}
              containers={members}
              collapsed={collapsedSet.has(project)}
              onToggle={() =>
                setCollapsed(
                  collapsedSet.has(project)
                    ? collapsed.filter((name) => name !== project)
                    : [...collapsed, project],
                )
              }
              act={run}
            />
          )}
          empty={<NoContainers text={text} tab={tab} total={all.length} onClear={() => setText('')} />}
        />
      )}
    </Page>
  );
}

function NoContainers({
  text,
  tab,
  total,
  onClear,
}: {
  text: string;
  tab: StateTab;
  total: number;
  onClear: () => void;
}) {
  const { t } = useTranslation();
  if (text && total > 0) {
    return (
      <EmptyState icon={SearchX} title={t('common.noMatches', { text })} body={t('common.noMatchesBody')}>
        <Button onClick={onClear}>{t('common.clearFilter')}</Button>
      </EmptyState>
    );
  }
  if (total > 0 && tab === 'stopped') {
    return (
      <EmptyState icon={Box} title={t('containers.emptyStopped')} body={t('containers.emptyStoppedBody')} />
    );
  }
  return (
    <EmptyState
      icon={Box}
      title={t(total > 0 ? 'containers.emptyRunning' : 'containers.emptyTitle')}
      body={t(total > 0 ? 'containers.emptyRunningBody' : 'containers.emptyBody')}
    >
      <Button variant="primary" icon={Play} onClick={() => openRunDialog()}>
        {t('run.title')}
      </Button>
    </EmptyState>
  );
}
