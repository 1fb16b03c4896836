import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Drawn with the design tokens, so that it follows the theme by itself. */
export const editorTheme = [
  EditorView.theme({
    '&': { height: '100%', fontSize: '13px', backgroundColor: 'transparent', color: 'var(--text)' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'var(--font-code)', lineHeight: '1.55' },
    '.cm-content': { padding: '10px 0', caretColor: 'var(--accent)' },
    '.cm-gutters': {
      backgroundColor: 'transparent',
      color: 'var(--faint)',
      border: 'none',
      paddingLeft: '8px',
    },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
    '.cm-cursor': { borderLeftColor: 'var(--accent)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
      backgroundColor: 'color-mix(in srgb, var(--accent) 24%, transparent) !important',
    },
    '.cm-tooltip': {
      backgroundColor: 'var(--raised)',
      color: 'var(--text)',
      border: 'none',
      borderRadius: '8px',
      boxShadow: 'var(--shadow-2)',
      overflow: 'hidden',
      fontFamily: 'var(--font-ui)',
    },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
      backgroundColor: 'var(--accent-soft)',
      color: 'var(--text)',
    },
    '.cm-completionDetail': { color: 'var(--faint)', fontStyle: 'normal' },
    '.cm-diagnostic': { borderLeftWidth: '3px', padding: '5px 10px' },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--dot-bad)' },
    '.cm-diagnostic-warning': { borderLeftColor: 'var(--dot-warn)' },
    '.cm-panels': { backgroundColor: 'var(--sidebar)', color: 'var(--text)', borderColor: 'var(--line)' },
    '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)' },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--syntax-key)' },
      { tag: [tags.string, tags.content], color: 'var(--syntax-string)' },
      { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--syntax-number)' },
      { tag: tags.variableName, color: 'var(--syntax-key)' },
      { tag: tags.comment, color: 'var(--syntax-comment)', fontStyle: 'italic' },
      { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--muted)' },
    ]),
  ),
];
