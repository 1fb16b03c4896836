import { ArrowDownToLine, Ellipsis, FolderInput, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../../design/button.tsx';
import { Menu } from '../../design/menu.tsx';
import { toast } from '../../design/toast.tsx';
import { checkAll } from './freshness.ts';
import { ImportDialog } from './import-dialog.tsx';
import { LoadButton } from './load-button.tsx';
import { PruneDialog } from './prune-dialog.tsx';
import { PullDialog } from './pull-dialog.tsx';

/** What can be done in the pane that is about no single image. */
export function ImagesHeader({ tags }: { tags: string[] }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<'pull' | 'prune' | 'import'>();
  const close = () => setOpened(undefined);
  const check = async () => {
    const { newer, failures } = await checkAll(tags);
    if (failures.length > 0) toast('bad', t('images.checkFailed', { count: failures.length }), failures[0]);
    if (newer.length > 0) toast('info', t('images.newerFound', { count: newer.length }), newer.join('\n'));
    else if (failures.length === 0) toast('good', t('images.allCurrent'));
  };
  return (
    <>
      <Button onClick={() => setOpened('prune')}>{t('common.prune')}</Button>
      <LoadButton />
      <Button variant="primary" icon={ArrowDownToLine} onClick={() => setOpened('pull')}>
        {t('images.pull')}
      </Button>
      <Menu
        trigger={<IconButton label={t('common.moreActions')} icon={Ellipsis} />}
        items={[
          { label: t('images.importMenu'), icon: FolderInput, run: () => setOpened('import') },
          {
            label: t('images.checkAll'),
            icon: RefreshCw,
            disabled: tags.length === 0,
            run: () => void check(),
          },
        ]}
      />
      {opened === 'pull' && <PullDialog onClose={close} />}
      {opened === 'prune' && <PruneDialog onClose={close} />}
      {opened === 'import' && <ImportDialog onClose={close} />}
    </>
  );
}
