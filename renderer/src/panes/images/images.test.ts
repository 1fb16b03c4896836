import { expect, test } from 'vitest';
import { historyCommand } from './history-command.ts';
import { toImageRow } from './image-rows.ts';
import { partBytes } from '../../api/parts.ts';

const image = { id: `sha256:${'ab'.repeat(32)}`, createdAt: 0, sizeBytes: 1, labels: {} };

test('an image without tags is dangling and called by its id', () => {
  expect(toImageRow({ ...image, tags: [], containers: 0 })).toMatchObject({
    name: undefined,
    reference: 'abababababab',
    use: 'dangling',
  });
});

test('an image that containers use is in use, with or without a name', () => {
  expect(toImageRow({ ...image, tags: [], containers: 2 }).use).toBe('used');
  expect(toImageRow({ ...image, tags: ['a:1', 'a:2'], containers: -1 })).toMatchObject({
    use: 'unused',
    otherTags: ['a:2'],
  });
});

test.each([
  ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
  ['/bin/sh -c apt-get update', 'RUN apt-get update'],
  ['RUN /bin/sh -c make # buildkit', 'RUN make'],
  ['COPY a b # buildkit', 'COPY a b'],
])('the history line %s reads %s', (written, read) => {
  expect(historyCommand(written)).toBe(read);
});

test('archive parts concatenate: base64 is padded only at the end', () => {
  expect(partBytes % 3).toBe(0);
});
