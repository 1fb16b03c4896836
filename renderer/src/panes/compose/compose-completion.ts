import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { keysAt, pathAtLine, valuesAt } from './schema-completion.ts';
import type { SchemaNode } from './schema-completion.ts';

/** A completion source for a compose file under the given schema: keys where a key can stand, values after one. */
export function composeCompletion(schema: SchemaNode) {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const lines = context.state.doc.toString().split('\n');
    const value = /^(\s*)(?:- )?([\w.-]+):\s+([\w-]*)$/.exec(before);
    if (value) {
      const indent = value[1]?.length ?? 0;
      const path = [...pathAtLine(lines, line.number - 1, indent), value[2] ?? ''];
      const options = valuesAt(schema, path).map((label) => ({ label, type: 'enum' }));
      return options.length > 0 ? { from: context.pos - (value[3]?.length ?? 0), options } : null;
    }
    const key = /^(\s*)([\w.-]*)$/.exec(before);
    if (!key || (!key[2] && !context.explicit)) return null;
    const path = pathAtLine(lines, line.number - 1, key[1]?.length ?? 0);
    const options = keysAt(schema, path).map(({ key: label, description }) => ({
      label,
      type: 'property',
      detail: description,
      apply: `${label}: `,
    }));
    return options.length > 0
      ? { from: context.pos - (key[2]?.length ?? 0), options, validFor: /^[\w.-]*$/ }
      : null;
  };
}
