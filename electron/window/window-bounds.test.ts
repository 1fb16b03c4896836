import { expect, test } from 'vitest';
import { DEFAULT_SIZE, MINIMUM_SIZE, usableBounds } from './window-bounds.ts';

const screen = { x: 0, y: 0, width: 1920, height: 1080 };
const bounds = { x: 100, y: 100, width: 1000, height: 700 };

test('remembered bounds on a screen are used as they are', () => {
  expect(usableBounds(bounds, [screen])).toEqual(bounds);
});

test('a window on a screen that is gone keeps its size only', () => {
  expect(usableBounds({ ...bounds, x: 3000 }, [screen])).toEqual({ width: 1000, height: 700 });
  expect(usableBounds({ ...bounds, y: -500 }, [screen])).toEqual({ width: 1000, height: 700 });
  expect(usableBounds({ ...bounds, x: 1900 }, [screen])).toEqual({ width: 1000, height: 700 });
  expect(usableBounds({ ...bounds, x: 1900 }, [screen, { ...screen, x: 1920 }])).toMatchObject({ x: 1900 });
});

test('a window is never smaller than the least useful size', () => {
  expect(usableBounds({ ...bounds, width: 10, height: 10 }, [screen])).toMatchObject(MINIMUM_SIZE);
});

test.each([undefined, null, 'x', {}, { ...bounds, x: 'NaN' }, { ...bounds, width: 1.5 }])(
  'damaged bounds %j count as none',
  (value) => expect(usableBounds(value, [screen])).toEqual(DEFAULT_SIZE),
);
