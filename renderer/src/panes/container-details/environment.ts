export interface Variable {
  name: string;
  value: string;
  /** Shown masked until the user asks. */
  secret: boolean;
}

const secretName =
  /pass(word|wd|phrase)?(_|$)|secret|token|api_?key|private_?key|access_?key|credential|(^|_)auth(_|$)|(^|_)pwd(_|$)/i;
/** `scheme://user:password@host` */
const urlWithPassword = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i;

/** `NAME=value` entries by name, with those that look like credentials marked. */
export function toVariables(environment: readonly string[]): Variable[] {
  return environment
    .map((entry) => {
      const at = entry.indexOf('=');
      const name = at < 0 ? entry : entry.slice(0, at);
      const value = at < 0 ? '' : entry.slice(at + 1);
      const secret =
        value !== '' && (secretName.test(name) || urlWithPassword.test(value)) && !name.endsWith('_FILE');
      return { name, value, secret };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}
