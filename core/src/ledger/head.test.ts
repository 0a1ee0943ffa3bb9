import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { areTwoLedgers, checkLinks, headBytes, headOf, LedgerLinks, linksOf } from './head.ts';
import { ledger } from './ledger.fixture.ts';
import type { LedgerEntry } from './entry.ts';
import type { LedgerLink } from './head.ts';
import type { HexHash } from '../ids.ts';

const SEED = 20_266;

const entries = ledger(8);
const points = entries.map((entry) => headOf('ciro-test', entry, 5));
const links = linksOf(entries);
const point = (sequence: number) => points[sequence] ?? { network: '', sequence, hash: '' as HexHash, at: 0 };
const between = (from: number, to: number): LedgerLink[] => links.slice(from + 1, to + 1);

it('B1: the coordinator signs the head under a domain of its own', () => {
  expect(new TextDecoder().decode(headBytes(point(2)))).toBe(`ciro/head/1\0{"at":5,"hash":"${point(2).hash}","network":"ciro-test","sequence":2}`);
});

it('B1: links show the chain without a word of what it says', () => {
  expect(JSON.stringify(links)).not.toMatch(/requester|trial|pool/);
  expect(v.is(LedgerLinks, links)).toBe(true);
  expect(v.is(LedgerLinks, [{ ...links[0], note: 1 }])).toBe(false);
});

it('B2: links lead from one head to any later one, and from a head to itself', () => {
  for (let from = 0; from < 8; from++) for (let to = from; to < 8; to++) expect(checkLinks(point(from), point(to), between(from, to))).toBeNull();
});

it('B2: two hashes for one sequence are the proof of a second ledger, whatever links come with them', () => {
  const forged = ledger(8, 1);
  const other = headOf('ciro-test', forged[5] as LedgerEntry, 6);
  expect(areTwoLedgers(point(5), other)).toBe(true);
  expect(areTwoLedgers(point(5), point(5))).toBe(false);
  expect(areTwoLedgers(point(5), point(6))).toBe(false);
  expect(areTwoLedgers(point(5), { ...other, network: 'another' })).toBe(false);
  expect(checkLinks(point(5), other, [])).toMatchObject({ code: 'fork', sequence: 5 });
  expect(checkLinks(point(4), other, linksOf(forged).slice(5, 6))).toMatchObject({ code: 'previous', sequence: 5 });
  expect(checkLinks(point(4), other, between(4, 5))).toMatchObject({ code: 'fork', sequence: 5, got: other.hash });
});

it('B2: a later head cannot be older', () => {
  expect(checkLinks(point(5), point(4), [])).toMatchObject({ code: 'backwards' });
});

it('B2: links that are missing, surplus, out of order or changed are found at the first of them', () => {
  const good = between(1, 6);
  const change = (at: number, by: Partial<LedgerLink>) => good.map((link, index) => (index === at ? { ...link, ...by } : link));
  const hash = 'f'.repeat(64) as HexHash;
  expect(checkLinks(point(1), point(6), good.slice(0, -1))).toMatchObject({ code: 'missing', sequence: 6 });
  expect(checkLinks(point(1), point(6), good.slice(1))).toMatchObject({ code: 'sequence', sequence: 2 });
  expect(checkLinks(point(1), point(5), good)).toMatchObject({ code: 'surplus' });
  expect(checkLinks(point(1), point(6), change(2, { content: hash }))).toMatchObject({ code: 'hash', sequence: 4 });
  expect(checkLinks(point(1), point(6), change(2, { hash }))).toMatchObject({ code: 'hash', sequence: 4 });
  expect(checkLinks(point(1), point(6), change(2, { previous: hash }))).toMatchObject({ code: 'previous', sequence: 4 });
  expect(checkLinks(point(1), point(6), change(2, { sequence: 9 }))).toMatchObject({ code: 'sequence', sequence: 4 });
});

it(`B2: no list of links but the ledger's own leads from head to head (seed ${SEED})`, () => {
  const pick = fc.array(fc.oneof(fc.constantFrom(...links), fc.constantFrom(...linksOf(ledger(8, 3)))), { maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(7), fc.nat(7), pick, (from, to, list) => {
      const own = from <= to && JSON.stringify(list) === JSON.stringify(between(from, to));
      expect(checkLinks(point(from), point(to), list) === null).toBe(own);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});
