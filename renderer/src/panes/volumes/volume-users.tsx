import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { StatusDot } from '../../design/badge.tsx';

type User = VolumeSummary['usedBy'][number];

/** A container that uses the volume, as a way to it. */
export function UserLink({ user }: { user: User }) {
  return (
    <Link
      to="/containers/$id"
      params={{ id: user.id }}
      onClick={(event) => event.stopPropagation()}
      className="text-accent inline-flex min-w-0 items-center gap-1.5 hover:underline"
      title={user.name}
    >
      <StatusDot tone={user.running ? 'good' : 'idle'} />
      <span className="truncate">{user.name}</span>
    </Link>
  );
}

/** The first users and how many more, all of them in the title. */
export function VolumeUsers({ users }: { users: User[] }) {
  const { t } = useTranslation();
  if (users.length === 0) return <span className="text-faint">{t('common.unused')}</span>;
  return (
    <span className="flex min-w-0 gap-3" title={users.map(({ name }) => name).join('\n')}>
      {users.slice(0, 2).map((user) => (
        <UserLink key={user.id} user={user} />
      ))}
      {users.length > 2 && <span className="text-faint shrink-0">+{users.length - 2}</span>}
    </span>
  );
}
