import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('gives its capacity at once and refills with time, never past it', () => {
  const bucket = new TokenBucket(2, 10, 0);
  expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
  expect([bucket.take(100), bucket.take(100)]).toEqual([true, false]);
  expect([bucket.take(9_000), bucket.take(9_000), bucket.take(9_000)]).toEqual([true, true, false]);
});

it('spending beyond what there is makes a debt that time pays back', () => {
  const bucket = new TokenBucket(100, 1_000, 0);
  expect([bucket.spend(100, 0), bucket.spend(50, 0), bucket.spend(50, 0)]).toEqual([0, 50, 100]);
  expect(bucket.spend(10, 100)).toBe(10);
  expect([bucket.spend(0, 110), bucket.spend(100, 1_000)]).toEqual([0, 0]);
});
