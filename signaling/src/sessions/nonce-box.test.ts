import { expect, it } from 'vitest';
import { MAX_NONCE_COMMITMENTS } from '@ciro/core/protocol/limits.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { NonceBox } from './nonce-box.ts';
import { MAX_SEEN_NONCES } from './session-limits.ts';

const hash = (n: number): HexHash => n.toString(16).padStart(64, '0') as HexHash;
const hashes = (from: number, count: number): HexHash[] => Array.from({ length: count }, (_, n) => hash(from + n));

it('A1: commitments are used in the order in which they were given, one a plan, then there is none', () => {
  const box = new NonceBox();
  expect(box.take()).toBeNull();
  expect(box.give(hashes(1, 2))).toBeUndefined();
  expect(box.give(hashes(3, 1))).toBeUndefined();
  expect([box.take(), box.take(), box.take(), box.take()]).toEqual([hash(1), hash(2), hash(3), null]);
});

it('A1: a list past the bound is refused as a whole, and what was there stays', () => {
  const box = new NonceBox();
  box.give(hashes(1, MAX_NONCE_COMMITMENTS - 1));
  expect(box.give(hashes(100, 2))).toMatchObject({ offence: 'oversized', code: 'too-many-nonces' });
  expect(box.give(hashes(100, 1))).toBeUndefined();
  for (const expected of [...hashes(1, MAX_NONCE_COMMITMENTS - 1), hash(100), null]) expect(box.take()).toBe(expected);
});

it('A1: a commitment that was given before, used or not, or stands in a list twice, is refused with its list', () => {
  const box = new NonceBox();
  box.give(hashes(1, 2));
  box.take();
  for (const list of [[hash(9), hash(1)], [hash(9), hash(2)], [hash(9), hash(9)]]) expect(box.give(list)).toMatchObject({ code: 'nonce-repeated' });
  expect([box.take(), box.take()]).toEqual([hash(2), null]);
});

it('what is remembered of used commitments is bounded', () => {
  const box = new NonceBox();
  for (let n = 0; n < MAX_SEEN_NONCES + 1; n++) {
    expect(box.give([hash(n)])).toBeUndefined();
    box.take();
  }
  expect(box.give([hash(0)])).toBeUndefined();
  expect(box.give([hash(2)])).toMatchObject({ code: 'nonce-repeated' });
});
