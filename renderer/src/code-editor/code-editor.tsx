import { forceLinting, lintGutter, linter } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useImperativeHandle, useRef } from 'react';
import type { Ref } from 'react';
import { toRange } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { editorTheme } from './editor-theme.ts';

export interface CodeEditorHandle {
  /** Moves the cursor to a line (1-based) and focuses. */
  goTo: (line: number) => void;
  /** Validates now instead of after the pause. */
  lintNow: () => void;
}

interface CodeEditorProps {
  label: string;
  initialText: string;
  /** The language and its completion; another value makes another editor with the same text. */
  language: Extension;
  validate: (text: string) => Promise<Diagnostic[]>;
  onChange: (text: string) => void;
  onSave?: () => void;
  handle?: Ref<CodeEditorHandle>;
}

/** CodeMirror on one file. It owns the text; the parent hears of every change. */
export function CodeEditor(props: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { language, label } = props;

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
                latest.current.onSave?.();
                return true;
              },
            },
          ]),
          basicSetup,
          language,
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
  }, [language, label]);

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
