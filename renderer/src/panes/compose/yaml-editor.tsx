import { autocompletion } from '@codemirror/autocomplete';
import { yaml } from '@codemirror/lang-yaml';
import { forceLinting, lintGutter, linter } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import type { Ref } from 'react';
import { useImperativeHandle } from 'react';
import type { ComposeDiagnostic } from '../../../../electron/api/types.ts';
import { composeCompletion } from './compose-completion.ts';
import { toRange } from './diagnostics.ts';
import { editorTheme } from './editor-theme.ts';
import type { SchemaNode } from './schema-completion.ts';

export interface YamlEditorHandle {
  /** Moves the cursor to a line (1-based) and focuses. */
  goTo: (line: number) => void;
  /** Validates now instead of after the pause. */
  lintNow: () => void;
}

interface YamlEditorProps {
  label: string;
  initialText: string;
  schema: SchemaNode | undefined;
  validate: (text: string) => Promise<ComposeDiagnostic[]>;
  onChange: (text: string) => void;
  onSave: () => void;
  handle: Ref<YamlEditorHandle>;
}

/** CodeMirror on one compose file. It owns the text; the parent hears of every change. */
export function YamlEditor(props: YamlEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { schema, label } = props;

  useEffect(() => {
    if (!host.current) return undefined;
    const text = view.current?.state.doc.toString() ?? latest.current.initialText;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          keymap.of([
            {
              key: 'Mod-s',
              run: () => {
                latest.current.onSave();
                return true;
              },
            },
          ]),
          basicSetup,
          yaml(),
          lintGutter(),
          linter(
            async (current) => {
              const content = current.state.doc.toString();
              const found = await latest.current.validate(content);
              return found.map((diagnostic) => ({
                ...toRange(content, diagnostic),
                severity: diagnostic.severity,
                message: diagnostic.message,
              }));
            },
            { delay: 500 },
          ),
          autocompletion({ icons: false, ...(schema && { override: [composeCompletion(schema)] }) }),
          editorTheme,
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [schema, label]);

  useImperativeHandle(props.handle, () => ({
    goTo: (line) => {
      const editor = view.current;
      if (!editor) return;
      const { from } = editor.state.doc.line(Math.max(1, Math.min(line, editor.state.doc.lines)));
      editor.dispatch({
        selection: { anchor: from },
        effects: EditorView.scrollIntoView(from, { y: 'center' }),
      });
      editor.focus();
    },
    lintNow: () => {
      if (view.current) forceLinting(view.current);
    },
  }));

  return <div ref={host} className="h-full min-h-0 overflow-hidden" data-selectable />;
}
