import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { FLAGS, INSTRUCTIONS } from './dockerfile-words.ts';

export interface Suggestions {
  /** The part of a word that they replace. */
  typed: string;
  labels: readonly string[];
}

/** What can follow the text: an instruction, its flags, or a stage's name. */
export function suggest(textBefore: string): Suggestions | undefined {
  const lines = textBefore.split('\n');
  const line = lines.pop() ?? '';
  if (/\\\s*$/.test(lines.at(-1) ?? '')) return undefined;
  const word = /^\s*([A-Za-z]*)$/.exec(line)?.[1];
  if (word !== undefined) return { typed: word, labels: INSTRUCTIONS };
  const [, name = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(line) ?? [];
  const instruction = name.toUpperCase();
  const stage = /^(?:.*\s)?--from=([\w.-]*)$/.exec(rest)?.[1];
  if (stage !== undefined) return { typed: stage, labels: stageNames(textBefore) };
  const flag = /^(?:--\S+\s+)*(--?\S*)$/.exec(rest)?.[1];
  if (flag !== undefined) return { typed: flag, labels: FLAGS[instruction] ?? [] };
  if (instruction === 'FROM' && /^[\w.-]+$/.test(rest))
    return { typed: rest, labels: stageNames(textBefore) };
  return undefined;
}

function stageNames(text: string): string[] {
  return [...text.matchAll(/^\s*FROM\s.*\sAS\s+(\S+)\s*$/gim)].map(([, name]) => name ?? '');
}

export function dockerfileCompletion(context: CompletionContext): CompletionResult | null {
  const found = suggest(context.state.sliceDoc(0, context.pos));
  if (!found || (found.typed === '' && !context.explicit)) return null;
  const { typed, labels } = found;
  const isInstruction = labels === INSTRUCTIONS;
  const options = labels.map((label) => ({
    label,
    type: isInstruction ? 'keyword' : 'property',
    ...(isInstruction && { apply: `${label} ` }),
  }));
  return options.length > 0 ? { from: context.pos - typed.length, options, validFor: /^[\w.=,-]*$/ } : null;
}
