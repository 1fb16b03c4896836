import { useTranslation } from 'react-i18next';
import { Dialog } from '../design/dialog.tsx';
import { Kbd } from '../design/kbd.tsx';
import { panes } from './navigation.ts';

export function ShortcutHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const rows: [string, string][] = [
    ['Ctrl+K', t('shell.shortcutPalette')],
    ['/', t('shell.shortcutFilter')],
    ['c', t('shell.shortcutRun')],
    ['?', t('shell.shortcutHelp')],
    ['↑ ↓', t('shell.shortcutMove')],
    ['Enter', t('shell.shortcutOpen')],
    ['Space', t('shell.shortcutSelect')],
    ['s', t('shell.shortcutStartStop')],
    ['r', t('shell.shortcutRestart')],
    ['l', t('shell.shortcutLogs')],
    ['t', t('shell.shortcutTerminal')],
    ['Delete', t('shell.shortcutRemove')],
    ...panes.map((pane): [string, string] => [pane.keys, `${t('shell.goTo')}: ${t(`shell.${pane.pane}`)}`]),
  ];
  return (
    <Dialog title={t('shell.shortcuts')} open={open} onClose={onClose}>
      <dl className="grid grid-cols-1 gap-x-8 min-[700px]:grid-cols-2">
        {rows.map(([keys, text]) => (
          <div key={keys} className="border-line flex h-8 items-center justify-between border-b">
            <dt className="text-muted">{text}</dt>
            <dd>
              <Kbd keys={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
