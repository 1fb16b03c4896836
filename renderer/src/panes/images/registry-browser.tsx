import { useQuery } from '@tanstack/react-query';
import { ArrowDownToLine, FolderSearch } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { Card } from '../../design/card.tsx';
import { Input } from '../../design/field.tsx';
import { SkeletonBlock } from '../../design/states.tsx';
import { startPull } from './transfers.ts';

/** A registry's repositories and their tags. Docker Hub lists none, but tells the tags of one by its name. */
export function RegistryBrowser({ servers }: { servers: string[] }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<string>();
  const [repository, setRepository] = useState<string>();
  const browse = (server: string) => {
    setText(server);
    setAsked(server);
    setRepository(undefined);
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    const target = text.trim();
    // A name with a path is a repository: its tags are what is wanted.
    if (target.includes('/')) {
      setAsked(undefined);
      setRepository(target);
    } else if (target !== '') browse(target);
  };
  return (
    <Card title={t('images.browse')}>
      <form onSubmit={send} className="flex flex-wrap items-center gap-2">
        <Input
          aria-label={t('images.browseLabel')}
          placeholder={t('images.browsePlaceholder')}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="max-w-90 flex-1"
        />
        <Button type="submit" icon={FolderSearch} disabled={text.trim() === ''}>
          {t('images.browse')}
        </Button>
        {servers.map((server) => (
          <Button key={server} variant="ghost" onClick={() => browse(server)}>
            {server}
          </Button>
        ))}
      </form>
      {(asked ?? repository) !== undefined && (
        <div className="mt-3 grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)] gap-4 max-md:grid-cols-1">
          {asked !== undefined && (
            <Repositories
              server={asked}
              chosen={repository}
              onChoose={(name) => setRepository(`${asked}/${name}`)}
            />
          )}
          {repository !== undefined && <Tags key={repository} repository={repository} />}
        </div>
      )}
    </Card>
  );
}

function Repositories(props: {
  server: string;
  chosen: string | undefined;
  onChoose: (name: string) => void;
}) {
  const { t } = useTranslation();
  const { server, chosen, onChoose } = props;
  const query = useQuery({
    ...queries.registries.repositories.queryOptions({ input: { server } }),
    retry: false,
  });
  return (
    <Column title={t('images.repositories')} query={query} empty={t('images.noRepositories')}>
      {query.data?.map((name) => (
        <li key={name}>
          <button
            type="button"
            aria-pressed={chosen === `${server}/${name}`}
            onClick={() => onChoose(name)}
            className={`w-full truncate rounded-md px-2 py-1 text-start ${chosen === `${server}/${name}` ? 'bg-accent-soft' : 'hover:bg-hover'}`}
          >
            {name}
          </button>
        </li>
      ))}
    </Column>
  );
}

function Tags({ repository }: { repository: string }) {
  const { t } = useTranslation();
  const query = useQuery({
    ...queries.registries.tags.queryOptions({ input: { repository } }),
    retry: false,
  });
  return (
    <Column title={t('images.tagsOf', { name: repository })} query={query} empty={t('images.noTags')}>
      {query.data?.map((tag) => (
        <li key={tag} className="hover:bg-hover flex items-center gap-2 rounded-md px-2 py-0.5">
          <code className="min-w-0 flex-1 truncate">{tag}</code>
          <Button
            size="small"
            icon={ArrowDownToLine}
            aria-label={t('images.pullNamed', { name: `${repository}:${tag}` })}
            onClick={() => startPull(`${repository}:${tag}`, undefined)}
          >
            {t('images.pull')}
          </Button>
        </li>
      ))}
    </Column>
  );
}

function Column({
  title,
  query,
  empty,
  children,
}: {
  title: string;
  query: { isPending: boolean; error: unknown; data: string[] | undefined };
  empty: string;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="border-line min-w-0 rounded-lg border p-2">
      <h3 className="text-muted truncate px-2 pb-1 text-sm font-semibold" title={title}>
        {title}
      </h3>
      {query.isPending && <SkeletonBlock lines={3} />}
      {query.error !== null && query.error !== undefined && (
        <p role="alert" className="text-bad px-2 py-1 [overflow-wrap:anywhere]" data-selectable>
          {toFailure(query.error).message}
        </p>
      )}
      {query.data?.length === 0 && <p className="text-faint px-2 py-1">{empty}</p>}
      <ul className="max-h-80 overflow-y-auto">{children}</ul>
    </section>
  );
}
