import type { Api } from './raw-api.ts';
import { tar, type TarEntry } from './tar-fixture.ts';

export interface BuildLine {
  stream?: string;
  aux?: { ID: string };
  error?: string;
  errorDetail?: { code?: number; message: string };
  message?: string;
}

export interface BuildResult {
  status: number;
  lines: BuildLine[];
  /** Everything printed. */
  text: string;
  id: string;
  error: string;
}

interface BuildGiven {
  files?: TarEntry[];
  query?: Record<string, string>;
  headers?: Record<string, string>;
}

export type Build = (dockerfile: string, given?: BuildGiven) => Promise<BuildResult>;

/** `POST /build` as clients do it; `built` throws when it fails. */
export function buildsOf(api: Api): { build: Build; built: Build } {
  const build: Build = async (dockerfile, { files = [], query = {}, headers = {} } = {}) => {
    const body = tar([{ name: 'Dockerfile', content: dockerfile }, ...files]);
    const parameters = new URLSearchParams(query);
    const { status, text } = await api('POST', `/build?${parameters.toString()}`, body, {
      'Content-Type': 'application/x-tar',
      ...headers,
    });
    const lines = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as BuildLine);
    return {
      status,
      lines,
      text: lines.map(({ stream }) => stream ?? '').join(''),
      id: lines.findLast(({ aux }) => aux)?.aux?.ID ?? '',
      error: lines.at(-1)?.error ?? lines.at(-1)?.message ?? '',
    };
  };
  return {
    build,
    async built(...args) {
      const result = await build(...args);
      if (result.error !== '' || result.status !== 200)
        throw new Error(`${result.status} ${result.error}\n${result.text}`);
      return result;
    },
  };
}
