import { expect, test } from 'vitest';
import { attentionMask, MASKED_SCORE } from './attention-mask.ts';

const X = MASKED_SCORE;

test('a token sees the cached positions, itself and earlier new tokens', () => {
  const mask = attentionMask([{ cached: 1, count: 2 }], 1, 2, 3);
  expect([...mask]).toEqual([0, X, X, 0, X, 0, X, X, 0, 0]);
});

test('every head of a group gets the same rows', () => {
  const one = attentionMask([{ cached: 2, count: 2 }], 1, 2, 4);
  const three = attentionMask([{ cached: 2, count: 2 }], 3, 2, 4);
  expect([...three]).toEqual([...one, ...one, ...one]);
});

test('padding tokens of a shorter row see themselves only, so that no row is empty', () => {
  const mask = attentionMask([{ cached: 1, count: 1 }], 1, 2, 1);
  expect([...mask]).toEqual([0, 0, X, X, X, 0]);
});
