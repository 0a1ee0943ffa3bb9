import { expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { auditDraw, beaconOf, cutOf, nonceBytesToSign, nonceCommitment, rootsHashOf } from './audit-draw.ts';
import { stageDraw } from './stage-draw.ts';
import type { HexHash, JobId } from '../ids.ts';

const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
const job = 'c3'.repeat(16) as JobId;
const roots = { network: 'ciro-test', job, planHash: hash('1'), roots: ['0xabc', null] };
const parts = { planHash: hash('1'), rootsHash: hash('2'), coordinator: hash('3'), requester: null, workers: [hash('4'), null] };
const beacons = Array.from({ length: 4_000 }, (_, index) => toHex(sha256(Uint8Array.of(index & 255, index >>> 8))) as HexHash);

it('A1: a plan names the SHA-256 of a nonce\'s bytes', () => {
  expect(nonceCommitment('00'.repeat(32))).toBe(toHex(sha256(new Uint8Array(32))));
  expect(() => nonceCommitment('xy')).toThrow(/hex/);
});

it('A2: roots, beacon and draw are what a third party makes of their domains and canonical JSON', () => {
  // By Python: sha256(b'ciro/roots/1\0' + json.dumps(fields, sort_keys=True, separators=(',', ':')).encode()), and so on.
  expect(rootsHashOf(roots)).toBe('3c1deb8f5879105b9906482ff41eabe095bfdadf5d39e22900a50a58d1a6471c');
  expect(beaconOf(parts)).toBe('cf36532a2870ddce3446686a614465dd14ec1657e9cbe53b905ccbd7c10cbf0f');
  expect(auditDraw(hash('5'), 2, 1)).toBe(0.6186508963510623);
});

it('A2: a worker signs its nonce together with everything it was shown', () => {
  const [domain, json] = new TextDecoder().decode(nonceBytesToSign({ network: 'ciro-test', job, planHash: hash('1'), rootsHash: hash('2'), nonce: hash('3') })).split('\0');
  expect(domain).toBe('ciro/nonce/1');
  expect(JSON.parse(json ?? '')).toEqual({ network: 'ciro-test', job, planHash: hash('1'), rootsHash: hash('2'), nonce: hash('3') });
});

it('A2: any other root, nonce or silence is another beacon', () => {
  const others = [{ planHash: hash('9') }, { rootsHash: hash('9') }, { coordinator: null }, { requester: hash('9') }, { workers: [null, null] }, { workers: [null, hash('4')] }, { workers: [hash('4')] }].map((change) => beaconOf({ ...parts, ...change }));
  expect(new Set([beaconOf(parts), ...others]).size).toBe(8);
  const lists = [['0xabc', '0x1'], [null, '0xabc'], ['0xabd', null]].map((list) => rootsHashOf({ ...roots, roots: list }));
  expect(new Set([rootsHashOf(roots), ...lists]).size).toBe(4);
});

it('A2: draws are even over [0, 1), and differ by stage and number', () => {
  const draws = beacons.map((beacon) => auditDraw(beacon, 1, 0));
  const buckets = new Array<number>(10).fill(0);
  for (const draw of draws) buckets[Math.floor(draw * 10)] = (buckets[Math.floor(draw * 10)] ?? 0) + 1;
  // 4,000 draws in 10 buckets: standard deviation 19, so 5 of them is 95.
  for (const count of buckets) expect(Math.abs(count - 400)).toBeLessThan(95);
  expect(new Set([auditDraw(hash('5'), 0, 0), auditDraw(hash('5'), 1, 0), auditDraw(hash('5'), 0, 1), auditDraw(hash('6'), 0, 0)]).size).toBe(4);
});

it('A2: the cut is even over 1 to all units, and never past them', () => {
  const counts = [0, 0, 0];
  for (const beacon of beacons) counts[cutOf(beacon, 0, 3) - 1] = (counts[cutOf(beacon, 0, 3) - 1] ?? 0) + 1;
  // 4,000 in 3: standard deviation 30.
  for (const count of counts) expect(Math.abs(count - 4_000 / 3)).toBeLessThan(150);
  expect(cutOf(hash('5'), 0, 1)).toBe(1);
});

it('A2: a stage is audited up to its cut below the rate, passed by above it, and in full for a reason', () => {
  const beacon = hash('5');
  const draw = auditDraw(beacon, 0, 0);
  const at = (rate: number, full: Parameters<typeof stageDraw>[2]['full'] = null, units = 9) => stageDraw(beacon, 0, { units, rate, full });
  expect(at(draw)).toEqual({ rate: draw, draw, units: 0, reason: null });
  expect(at(draw + 1e-9)).toMatchObject({ units: cutOf(beacon, 0, 9), reason: 'drawn' });
  expect(at(1)).toEqual({ rate: 1, draw, units: 9, reason: 'newcomer' });
  for (const reason of ['unrevealed', 'checked', 'disagreement', 'suspicion'] as const) expect(at(0.02, reason)).toEqual({ rate: 1, draw, units: 9, reason });
  expect(at(1, 'checked', 0)).toEqual({ rate: 1, draw, units: 0, reason: null });
});
