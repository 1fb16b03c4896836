import type { BuildRequest } from '../../../../electron/api/types.ts';
import { createStore } from '../../api/store.ts';

export interface ArgRow {
  key: number;
  name: string;
  value: string;
}

export interface BuildForm {
  kind: 'folder' | 'text';
  folder: string;
  dockerfile: string;
  /** The pasted Dockerfile. */
  text: string;
  /** What the folder's Dockerfile shall say, while it differs from the file. */
  edited: { folder: string; dockerfile: string; text: string } | undefined;
  /** Separated by spaces or commas. */
  tags: string;
  target: string;
  args: ArgRow[];
  noCache: boolean;
  pull: boolean;
}

const EXAMPLE = `FROM busybox
WORKDIR /app
RUN echo "built on $(date)" > built
CMD ["cat", "/app/built"]
`;

const emptyForm: BuildForm = {
  kind: 'text',
  folder: '',
  dockerfile: '',
  text: EXAMPLE,
  edited: undefined,
  tags: '',
  target: '',
  args: [],
  noCache: false,
  pull: false,
};

/** What was entered, kept while other panes are looked at. */
export const buildForm = createStore<BuildForm>(emptyForm);

export function changeForm(part: Partial<BuildForm>): void {
  buildForm.set({ ...buildForm.get(), ...part });
}

export type FormError = 'folderMissing' | 'folderRelative' | 'textMissing' | 'argName' | 'argTwice';

/** Why this cannot be built yet, by field. */
export function validateForm(form: BuildForm): Partial<Record<'folder' | 'text' | 'args', FormError>> {
  const names = form.args.map(({ name }) => name.trim());
  const errors: ReturnType<typeof validateForm> = {};
  if (form.kind === 'folder') {
    if (form.folder.trim() === '') errors.folder = 'folderMissing';
    else if (!form.folder.trim().startsWith('/')) errors.folder = 'folderRelative';
  } else if (form.text.trim() === '') errors.text = 'textMissing';
  if (names.some((name) => !/^[^\s=]+$/.test(name))) errors.args = 'argName';
  else if (new Set(names).size < names.length) errors.args = 'argTwice';
  return errors;
}

/** Of a valid form. */
export function toBuildRequest(form: BuildForm): BuildRequest {
  const { kind, text, noCache, pull } = form;
  return {
    source: kind === 'folder' ? { kind, folder: form.folder.trim() } : { kind, text },
    dockerfile: kind === 'folder' ? form.dockerfile.trim() : '',
    tags: form.tags.split(/[\s,]+/).filter((tag) => tag !== ''),
    target: form.target.trim(),
    buildArgs: Object.fromEntries(form.args.map(({ name, value }) => [name.trim(), value])),
    noCache,
    pull,
  };
}
