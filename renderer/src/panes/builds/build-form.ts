import type { BuildRequest, BuildSecret } from '../../../../electron/api/types.ts';
import { createStore } from '../../api/store.ts';

export interface ArgRow {
  key: number;
  name: string;
  value: string;
}

export interface SecretRow extends BuildSecret {
  key: number;
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
  secrets: SecretRow[];
  sshAgent: boolean;
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
  secrets: [],
  sshAgent: false,
};

/** What was entered, kept while other panes are looked at. */
export const buildForm = createStore<BuildForm>(emptyForm);

export function changeForm(part: Partial<BuildForm>): void {
  buildForm.set({ ...buildForm.get(), ...part });
}

export type FormError =
  'folderMissing' | 'folderRelative' | 'textMissing' | 'argName' | 'argTwice' | SecretError;
type SecretError = 'secretId' | 'secretTwice' | 'secretPath' | 'secretEmpty';

/** Why this cannot be built yet, by field. */
export function validateForm(
  form: BuildForm,
): Partial<Record<'folder' | 'text' | 'args' | 'secrets', FormError>> {
  const names = form.args.map(({ name }) => name.trim());
  const errors: ReturnType<typeof validateForm> = {};
  if (form.kind === 'folder') {
    if (form.folder.trim() === '') errors.folder = 'folderMissing';
    else if (!form.folder.trim().startsWith('/')) errors.folder = 'folderRelative';
  } else if (form.text.trim() === '') errors.text = 'textMissing';
  if (names.some((name) => !/^[^\s=]+$/.test(name))) errors.args = 'argName';
  else if (new Set(names).size < names.length) errors.args = 'argTwice';
  const secretError = validateSecrets(form.secrets);
  if (secretError) errors.secrets = secretError;
  return errors;
}

function validateSecrets(secrets: readonly SecretRow[]): SecretError | undefined {
  const ids = secrets.map(({ id }) => id.trim());
  if (ids.some((id) => !/^[\w.-]{1,128}$/.test(id))) return 'secretId';
  if (new Set(ids).size < ids.length) return 'secretTwice';
  if (secrets.some(({ value }) => value.trim() === '')) return 'secretEmpty';
  const isRelative = ({ kind, value }: SecretRow) => kind === 'file' && !value.trim().startsWith('/');
  return secrets.some(isRelative) ? 'secretPath' : undefined;
}

/** Of a valid form. */
export function toBuildRequest(form: BuildForm): BuildRequest {
  const { kind, text, noCache, pull, sshAgent } = form;
  return {
    source: kind === 'folder' ? { kind, folder: form.folder.trim() } : { kind, text },
    dockerfile: kind === 'folder' ? form.dockerfile.trim() : '',
    tags: form.tags.split(/[\s,]+/).filter((tag) => tag !== ''),
    target: form.target.trim(),
    buildArgs: Object.fromEntries(form.args.map(({ name, value }) => [name.trim(), value])),
    noCache,
    pull,
    secrets: form.secrets.map((row) => ({
      id: row.id.trim(),
      kind: row.kind,
      // What was typed is taken as it is.
      value: row.kind === 'text' ? row.value : row.value.trim(),
    })),
    sshAgent,
  };
}
