import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Settings, SystemSummary } from '../../../../electron/api/types.ts';
import { engineStore } from '../../api/connection.ts';
import { queries } from '../../api/client.ts';
import { useStore } from '../../api/store.ts';
import { changeSettings, useSettings } from '../../app/settings.ts';
import { Card, Code, Facts } from '../../design/card.tsx';
import { Field, Select } from '../../design/field.tsx';
import { Page } from '../../design/page.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { formatMemory } from '../../format/bytes.ts';
import { DiskCard } from './disk-card.tsx';
import { EventsCard } from './events-card.tsx';

export function SystemPane() {
  const { t } = useTranslation();
  const query = useQuery(queries.system.summary.queryOptions());
  const summary = query.data;
  return (
    <Page title={t('system.title')}>
      <div className="h-full overflow-y-auto px-5 pb-5">
        <div className="grid grid-cols-1 items-start gap-4 min-[1000px]:grid-cols-2">
          <div className="flex min-w-0 flex-col gap-4">
            {query.isPending && (
              <Card title={t('system.engine')}>
                <SkeletonBlock lines={9} />
              </Card>
            )}
            {query.isError && !summary && (
              <Card title={t('system.engine')}>
                <ErrorState error={query.error} retry={() => void query.refetch()} />
              </Card>
            )}
            {summary && <EngineCard summary={summary} />}
            {summary && <DiskCard usage={summary.diskUsage} />}
          </div>
          <div className="flex min-w-0 flex-col gap-4">
            <SettingsCard />
            <EventsCard />
            <Card title={t('system.about')}>
              <p>
                <strong className="font-semibold">Gantry</strong> {summary?.version}
              </p>
              <p className="text-muted">{t('system.aboutBody')}</p>
              <p className="text-faint mt-1 text-sm">{t('system.license')}: Apache-2.0</p>
            </Card>
          </div>
        </div>
      </div>
    </Page>
  );
}

function EngineCard({ summary }: { summary: SystemSummary }) {
  const { t } = useTranslation();
  const engine = useStore(engineStore);
  return (
    <Card title={t('system.engine')}>
      <Facts
        facts={[
          [
            t('system.version'),
            `${engine?.state === 'connected' ? engine.engine.name : ''} ${summary.version}`.trim(),
          ],
          [t('system.host'), summary.name],
          [t('system.apiVersion'), summary.apiVersion],
          [t('system.operatingSystem'), summary.operatingSystem],
          [t('system.kernel'), summary.kernel],
          [t('system.architecture'), summary.architecture],
          [t('system.cpus'), summary.cpus],
          [t('system.memory'), formatMemory(summary.memoryBytes)],
          [t('system.cgroups'), `v${summary.cgroupVersion}, ${summary.cgroupDriver}`],
          [t('system.storage'), summary.storageDriver],
          [t('system.root'), <Code key="root">{summary.rootDirectory}</Code>],
          [t('system.socket'), engine && <Code key="socket">{engine.socket}</Code>],
          [
            t('system.containers'),
            t('system.containerCounts', {
              running: summary.containersRunning,
              paused: summary.containersPaused,
              stopped: summary.containersStopped,
            }),
          ],
        ]}
      />
      {summary.warnings.length > 0 && (
        <ul aria-label={t('system.warnings')} className="bg-warn-soft mt-3 rounded-md px-3 py-2">
          {summary.warnings.map((warning) => (
            <li key={warning} className="break-words">
              {warning.replace(/^WARNING: /, '')}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

const themes = [
  { value: 'light', label: 'system.themeLight' },
  { value: 'dark', label: 'system.themeDark' },
  { value: 'system', label: 'system.themeSystem' },
] as const;

const toLanguage = (value: string): Settings['language'] =>
  value === 'en' || value === 'ko' ? value : 'system';

function SettingsCard() {
  const { t } = useTranslation();
  const settings = useSettings();
  return (
    <Card title={t('system.settings')}>
      <div className="flex flex-wrap items-end gap-x-6 gap-y-3">
        <div className="flex flex-col gap-1">
          <span className="text-muted text-sm font-semibold">{t('system.theme')}</span>
          <Segmented
            label={t('system.theme')}
            value={settings.theme}
            onChange={(theme) => void changeSettings({ theme })}
            options={themes.map(({ value, label }) => ({ value, label: t(label) }))}
          />
        </div>
        <Field label={t('system.language')} className="w-52">
          {(control) => (
            <Select
              {...control}
              value={settings.language}
              onChange={(event) => void changeSettings({ language: toLanguage(event.target.value) })}
            >
              <option value="system">{t('system.languageSystem')}</option>
              <option value="en" lang="en">
                English
              </option>
              <option value="ko" lang="ko">
                한국어
              </option>
            </Select>
          )}
        </Field>
      </div>
    </Card>
  );
}
