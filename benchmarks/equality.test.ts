import { expect, it } from 'vitest';
import { mismatches } from './equality.ts';

it('counts every place at which two answers differ, and all that one of them lacks', () => {
  expect(mismatches([1, 2, 3], [1, 2, 3])).toBe(0);
  expect(mismatches([1, 2, 3], [1, 9, 3])).toBe(1);
  expect(mismatches([1, 2, 3], [1])).toBe(2);
  expect(mismatches([1], [1, 2, 3])).toBe(2);
});
