import { useTranslation } from 'react-i18next';

/** The first names and how many more, all of them in the title. */
export function UsedBy({ names }: { names: string[] }) {
  const { t } = useTranslation();
  if (names.length === 0) return <span className="text-faint">{t('common.unused')}</span>;
  return (
    <span className="truncate" title={names.join('\n')}>
      {names.slice(0, 2).join(', ')}
      {names.length > 2 && <span className="text-faint"> +{names.length - 2}</span>}
    </span>
  );
}
