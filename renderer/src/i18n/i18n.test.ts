import { expect, test } from 'vitest';
import { en } from './en/en.ts';
import { ko } from './ko/ko.ts';

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`),
  );
}

const placeholders = (text: string) =>
  [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').toSorted((a, b) => a.localeCompare(b));
const korean = new Map(leaves(ko));

test('every text is translated, with the same placeholders', () => {
  const wrong = leaves(en).filter(([key, text]) => {
    const translated = korean.get(key);
    return !translated || placeholders(translated).join() !== placeholders(text).join();
  });
  expect(wrong).toEqual([]);
});

test('Korean texts are Korean, but for the words that are the same', () => {
  const same = leaves(en).filter(
    ([key, text]) => korean.get(key) === text && /[a-z]{4}/.test(text.replaceAll(/\{\{\w+\}\}/g, '')),
  );
  expect(same.map(([key]) => key)).toEqual(['shell.compose', 'compose.title']);
});
