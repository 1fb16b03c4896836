import { applyInstruction, type ProcessConfig } from '../dockerfile/apply-instruction.ts';
import { DockerfileError, SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import type { Instruction } from '../dockerfile/instructions.ts';
import { readLogicalLines } from '../dockerfile/logical-lines.ts';
import { parseInstruction } from '../dockerfile/parse-instruction.ts';
import { expandWord, expandWords, type WordOptions } from '../dockerfile/words.ts';
import { invalidArgument } from '../lib/errors.ts';

/**
 * Applies `--change` instructions (Dockerfile syntax) of `docker import` and `docker commit` to an image's
 * configuration. Throws invalid-argument with Docker's texts.
 */
export function applyChanges(config: ProcessConfig, changes: readonly string[]): ProcessConfig {
  const source = changes.join('\n');
  if (source.trim() === '') return config;
  try {
    const instructions = readLogicalLines(source).lines.map((line) => parseInstruction(line, '\\'));
    const cmdSet = instructions.some(({ kind }) => kind === 'cmd');
    return instructions.reduce((current, instruction) => applyChange(current, instruction, cmdSet), config);
  } catch (error) {
    if (error instanceof DockerfileError) throw invalidArgument(error.detail, { cause: error });
    if (error instanceof SyntaxMistake) throw invalidArgument(error.message, { cause: error });
    throw error;
  }
}

/** As in a build, a new ENTRYPOINT drops a CMD that was made for the old one. */
function applyChange(config: ProcessConfig, instruction: Instruction, cmdSet: boolean): ProcessConfig {
  switch (instruction.kind) {
    case 'from':
    case 'run':
    case 'copy':
    case 'add':
    case 'arg':
    case 'shell':
    case 'maintainer':
      throw invalidArgument(`${instruction.kind.toUpperCase()} is not a valid change command`);
    default:
  }
  const names = new Map(
    (config.Env ?? []).map((entry) => {
      const separator = entry.indexOf('=');
      return [entry.slice(0, separator), entry.slice(separator + 1)];
    }),
  );
  const options: WordOptions = { escape: '\\', variables: (name) => names.get(name) };
  const { config: changed } = applyInstruction(config, instruction, {
    word: (text) => expandWord(text, options),
    words: (text) => expandWords(text, options),
  });
  if (instruction.kind !== 'entrypoint' || cmdSet) return changed;
  const { Cmd: _, ...rest } = changed;
  return rest;
}
