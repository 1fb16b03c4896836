/** Docker's `name` and `id` filters: the text itself, or an expression that is found in it. */
export function matchesPattern(pattern: string): (text: string) => boolean {
  let expression: RegExp | undefined;
  try {
    expression = new RegExp(pattern);
  } catch {
    // Not an expression: then it can only be equal.
  }
  return (text) => text === pattern || expression?.test(text) === true;
}
