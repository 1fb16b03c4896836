import { autocompletion } from '@codemirror/autocomplete';
import type { Ref } from 'react';
import { CodeEditor } from '../../code-editor/code-editor.tsx';
import type { CodeEditorHandle } from '../../code-editor/code-editor.tsx';
import type { Diagnostic } from '../../code-editor/diagnostics.ts';
import { dockerfileCompletion } from './dockerfile-completion.ts';
import { dockerfileLanguage } from './dockerfile-language.ts';

const language = [dockerfileLanguage, autocompletion({ icons: false, override: [dockerfileCompletion] })];

/** The editor of one Dockerfile. */
export function DockerfileEditor(props: {
  label: string;
  initialText: string;
  validate: (text: string) => Promise<Diagnostic[]>;
  onChange: (text: string) => void;
  handle: Ref<CodeEditorHandle>;
}) {
  return <CodeEditor {...props} language={language} />;
}
