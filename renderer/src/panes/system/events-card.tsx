import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { eventFeed } from '../../api/event-feed.ts';
import type { FeedEntry } from '../../api/event-feed.ts';
import { useStore } from '../../api/store.ts';
import { Card } from '../../design/card.tsx';
import { FilterInput } from '../../design/page.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { shortId } from '../../format/ids.ts';
import { formatLogTime } from '../../format/time.ts';

const nameOf = (event: FeedEntry) => event.attributes['name'] ?? shortId(event.id);

export function EventsCard() {
  const { t } = useTranslation();
  const events = useStore(eventFeed);
  const [filter, setFilter] = useState('');
  const shown = useMemo(
    () => filterByText(events, filter, (event) => `${event.type} ${event.action} ${nameOf(event)}`),
    [events, filter],
  );
  return (
    <Card
      title={t('system.events')}
      aside={
        <FilterInput
          label={t('system.eventsFilter')}
          value={filter}
          onChange={setFilter}
          className="max-w-52"
        />
      }
    >
      {shown.length === 0 ? (
        <div className="py-6 text-center">
          <p className="font-semibold">{t('system.eventsEmpty')}</p>
          <p className="text-faint">{t('system.eventsEmptyBody')}</p>
        </div>
      ) : (
        <ol aria-label={t('system.events')} className="mt-1 max-h-72 overflow-y-auto" data-selectable>
          {shown.map((event) => (
            <li
              key={event.key}
              className="grid min-h-6 grid-cols-[6rem_5.5rem_minmax(0,1fr)_minmax(0,1fr)] items-center gap-3"
            >
              <time className="text-faint font-mono text-sm">
                {formatLogTime(new Date(event.time).toISOString(), false)}
              </time>
              <span className="text-muted truncate">{event.type}</span>
              <span className="truncate" title={event.action}>
                {event.action}
              </span>
              <span className="text-muted truncate" title={nameOf(event)}>
                {nameOf(event)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
