import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Settings } from '../../../electron/api/types.ts';
import { api, queries } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { toast } from '../design/toast.tsx';
import { toFailure } from '../api/failure.ts';
import { switchLanguage } from '../i18n/i18n.ts';

const storageKey = 'gantry.settings';
const initial: Settings = { theme: 'system', language: 'system' };
const systemDark = window.matchMedia('(prefers-color-scheme: dark)');

/** The last known settings, so that the first paint already has the right theme and language. */
export function rememberedSettings(): Settings {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(storageKey) ?? '{}');
    return { ...initial, ...(stored as Partial<Settings>) };
  } catch {
    return initial;
  }
}

let applied = rememberedSettings();

function applySettings(settings: Settings): void {
  const languageChanged = settings.language !== applied.language;
  applied = settings;
  window.localStorage.setItem(storageKey, JSON.stringify(settings));
  applyTheme();
  if (languageChanged) switchLanguage(settings.language);
}

export function applyTheme(): void {
  const dark = applied.theme === 'dark' || (applied.theme === 'system' && systemDark.matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
}
systemDark.addEventListener('change', applyTheme);

export function useSettings(): Settings {
  const query = useQuery(queries.settings.get.queryOptions());
  useEffect(() => {
    if (query.data) applySettings(query.data);
  }, [query.data]);
  return query.data ?? applied;
}

/** Applies at once, then stores; a failure to store is said and the old value comes back. */
export async function changeSettings(change: Partial<Settings>): Promise<void> {
  const key = queries.settings.get.queryKey();
  const before = applied;
  queryClient.setQueryData(key, { ...before, ...change });
  applySettings({ ...before, ...change });
  try {
    queryClient.setQueryData(key, await api.settings.set(change));
  } catch (error) {
    queryClient.setQueryData(key, before);
    applySettings(before);
    toast('bad', toFailure(error).message);
  }
}
