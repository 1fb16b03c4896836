import { CornerLeftUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../design/button.tsx';
import { ancestors, joinPath } from './file-view.ts';

/** Where the browser is, and the way up. */
export function PathBar({ path, onPath }: { path: string; onPath: (path: string) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <IconButton
        label={t('files.up')}
        icon={CornerLeftUp}
        disabled={path === '/'}
        onClick={() => onPath(joinPath(path, '..'))}
        className="-ml-1.5"
      />
      <nav aria-label={t('files.path')} className="flex min-w-0 flex-1 items-center overflow-x-auto">
        {ancestors(path).map((crumb, index, all) => (
          <span key={crumb.path} className="flex shrink-0 items-center">
            {index > 1 && <span className="text-faint">/</span>}
            <button
              type="button"
              aria-label={crumb.path === '/' ? t('files.root') : undefined}
              aria-current={index === all.length - 1 ? 'location' : undefined}
              onClick={() => onPath(crumb.path)}
              className="hover:bg-hover aria-[current]:text-text text-muted rounded-sm px-1 font-mono text-sm aria-[current]:font-semibold"
            >
              {crumb.name}
            </button>
          </span>
        ))}
      </nav>
    </>
  );
}
