import { autocompletion } from '@codemirror/autocomplete';
import { yaml } from '@codemirror/lang-yaml';
import { useMemo } from 'react';
import type { Ref } from 'react';
import type { ComposeDiagnostic } from '../../../../electron/api/types.ts';
import { CodeEditor } from '../../code-editor/code-editor.tsx';
import type { CodeEditorHandle } from '../../code-editor/code-editor.tsx';
import { composeCompletion } from './compose-completion.ts';
import type { SchemaNode } from './schema-completion.ts';

interface YamlEditorProps {
  label: string;
  initialText: string;
  schema: SchemaNode | undefined;
  validate: (text: string) => Promise<ComposeDiagnostic[]>;
  onChange: (text: string) => void;
  onSave: () => void;
  handle: Ref<CodeEditorHandle>;
}

/** The editor of one compose file. */
export function YamlEditor({ schema, ...rest }: YamlEditorProps) {
  const language = useMemo(
    () => [
      yaml(),
      autocompletion({ icons: false, ...(schema && { override: [composeCompletion(schema)] }) }),
    ],
    [schema],
  );
  return <CodeEditor {...rest} language={language} />;
}
