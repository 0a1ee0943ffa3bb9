import { sha256 } from '@noble/hashes/sha2.js';
import { expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { auditDraw } from './audit-draw.ts';
import { auditorOrder, auditorWeight, drawAuditor } from './auditor-draw.ts';
import type { HexHash, NodeId } from '../ids.ts';

const DAY_MS = 86_400_000;
const node = (digit: string): NodeId => digit.repeat(40) as NodeId;
const beaconAt = (index: number): HexHash => toHex(sha256(Uint8Array.of(index & 255, index >>> 8))) as HexHash;
const candidates = [{ worker: node('c'), weight: 1 }, { worker: node('a'), weight: 31 }, { worker: node('b'), weight: 8 }];

it('A3: weight is one and a day each, at most 31, and one for a clock that runs behind', () => {
  expect([0, 0.99, 1, 29.5, 30, 400, -3].map((days) => auditorWeight(1e12, 1e12 + days * DAY_MS))).toEqual([1, 1, 2, 30, 31, 31, 1]);
});

it('A3: a third party finds the same auditor from the list in any order', () => {
  for (let index = 0; index < 50; index++) {
    const beacon = beaconAt(index);
    const target = auditDraw(beacon, 1, 2) * 40;
    expect(drawAuditor(candidates, beacon, 1, 2, [])).toBe(target < 31 ? node('a') : target < 39 ? node('b') : node('c'));
    expect(drawAuditor(candidates.toReversed(), beacon, 1, 2, [])).toBe(drawAuditor(candidates, beacon, 1, 2, []));
  }
});

it('A3: auditors come as often as they weigh', () => {
  const counts = new Map<string, number>();
  for (let index = 0; index < 4_000; index++) {
    const drawn = drawAuditor(candidates, beaconAt(index), 0, 2, []) ?? '';
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  // Of 4,000: 3,100, 800 and 100, with standard deviations 26, 25 and 10.
  expect(Math.abs((counts.get(node('a')) ?? 0) - 3_100)).toBeLessThan(130);
  expect(Math.abs((counts.get(node('b')) ?? 0) - 800)).toBeLessThan(125);
  expect(Math.abs((counts.get(node('c')) ?? 0) - 100)).toBeLessThan(50);
});

it('A3: nobody is drawn twice, who is excluded never, and at the end nobody is left', () => {
  for (let index = 0; index < 50; index++) {
    const order = auditorOrder(candidates, beaconAt(index), 2);
    expect(order.toSorted()).toEqual([node('a'), node('b'), node('c')]);
    expect(order[1]).toBe(drawAuditor(candidates, beaconAt(index), 2, 3, order.slice(0, 1)));
    expect(auditorOrder(candidates, beaconAt(index), 2, [node('a')])).not.toContain(node('a'));
  }
  expect(drawAuditor(candidates, beaconAt(0), 2, 5, candidates.map(({ worker }) => worker))).toBeUndefined();
  expect(drawAuditor([], beaconAt(0), 2, 2, [])).toBeUndefined();
});

it('A3: weights that are none are left out instead of deciding', () => {
  const hostile = [{ worker: node('d'), weight: Number.NaN }, { worker: node('e'), weight: Number.POSITIVE_INFINITY }, { worker: node('f'), weight: -5 }, { worker: node('1'), weight: 0 }];
  for (let index = 0; index < 20; index++) expect(drawAuditor([...hostile, ...candidates], beaconAt(index), 0, 2, [])).toBe(drawAuditor(candidates, beaconAt(index), 0, 2, []));
});
