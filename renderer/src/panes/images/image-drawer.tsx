import { useQuery } from '@tanstack/react-query';
import { Play, Tag } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ImageDetails } from '../../../../electron/api/types.ts';
import { queries } from '../../api/client.ts';
import { openRunDialog } from '../../containers/run-dialog-store.ts';
import { Badge } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { Card, Code, Facts } from '../../design/card.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { Drawer } from '../../design/dialog.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { shortId } from '../../format/ids.ts';
import { formatDateTime } from '../../format/time.ts';
import { historyCommand } from './history-command.ts';
import { ImageLayersTab } from './image-layers.tsx';
import { toImageRow } from './image-rows.ts';
import { TagDialog } from './tag-dialog.tsx';

export type ImageTab = 'details' | 'layers';

interface ImageDrawerProps {
  id: string;
  tab: ImageTab;
  onTab: (tab: ImageTab) => void;
  onClose: () => void;
}

export function ImageDrawer({ id, tab, onTab, onClose }: ImageDrawerProps) {
  const { t } = useTranslation();
  const query = useQuery(queries.images.inspect.queryOptions({ input: { id } }));
  const [tagging, setTagging] = useState(false);
  const image = query.data;
  const reference = image ? toImageRow(image).reference : shortId(id);
  return (
    <Drawer
      open
      title={reference}
      subtitle={image && `${formatBytes(image.sizeBytes)} · ${image.os}/${image.architecture}`}
      onClose={onClose}
      actions={
        <>
          <Button size="small" icon={Tag} onClick={() => setTagging(true)}>
            {t('images.tag')}
          </Button>
          <Button
            size="small"
            variant="primary"
            icon={Play}
            onClick={() => {
              onClose();
              openRunDialog(reference);
            }}
          >
            {t('images.run')}
          </Button>
        </>
      }
    >
      {query.isPending && <SkeletonBlock lines={10} />}
      {query.isError && !image && <ErrorState error={query.error} retry={() => void query.refetch()} />}
      {image && (
        <div className="flex flex-col gap-4">
          <div className="flex">
            <Segmented
              label={reference}
              options={[
                { value: 'details', label: t('images.details') },
                { value: 'layers', label: t('images.layers') },
              ]}
              value={tab}
              onChange={onTab}
            />
          </div>
          {tab === 'layers' ? <ImageLayersTab id={image.id} /> : <ImageBody image={image} />}
        </div>
      )}
      {tagging && <TagDialog id={id} name={reference} onClose={() => setTagging(false)} />}
    </Drawer>
  );
}

function ImageBody({ image }: { image: ImageDetails }) {
  const { t, i18n } = useTranslation();
  const code = (words: string[]) => words.length > 0 && <Code>{words.join(' ')}</Code>;
  const lines = (items: string[]) =>
    items.length > 0 && (
      <span className="flex flex-col">
        {items.map((item) => (
          <Code key={item}>{item}</Code>
        ))}
      </span>
    );
  return (
    <div className="flex flex-col gap-4">
      <Card title={t('images.details')}>
        <Facts
          facts={[
            [
              t('images.id'),
              <span key="id" className="inline-flex items-center gap-1" title={image.id}>
                <Code>{shortId(image.id)}</Code>
                <span className="-my-1.5">
                  <CopyButton text={image.id} />
                </span>
              </span>,
            ],
            [
              t('images.tags'),
              <span key="tags" className="flex flex-wrap gap-1">
                {image.tags.map((tag) => (
                  <Badge key={tag} title={tag}>
                    {tag}
                  </Badge>
                ))}
              </span>,
            ],
            [t('common.created'), formatDateTime(image.createdAt, i18n.language)],
            [t('images.entrypoint'), code(image.entrypoint) || undefined],
            [t('images.command'), code(image.command) || undefined],
            [t('images.workingDirectory'), image.workingDirectory],
            [t('images.user'), image.user || t('details.userRoot')],
            [t('images.exposedPorts'), image.exposedPorts.join(', ')],
            [t('images.volumes'), lines(image.volumes) || undefined],
            [t('images.environment'), lines(image.environment) || undefined],
          ]}
        />
      </Card>
      <Card title={t('images.history')}>
        <ol className="flex flex-col">
          {image.history.map((step, index) => (
            <li
              key={index}
              className="border-line grid grid-cols-[minmax(0,1fr)_auto] gap-4 border-b py-1.5 last:border-b-0"
            >
              <code className="text-sm [overflow-wrap:anywhere]">{historyCommand(step.createdBy)}</code>
              <span className="text-faint text-sm whitespace-nowrap">
                {step.sizeBytes > 0 ? formatBytes(step.sizeBytes) : t('images.noLayer')}
              </span>
            </li>
          ))}
        </ol>
      </Card>
    </div>
  );
}
