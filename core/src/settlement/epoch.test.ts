import fc from 'fast-check';
import { expect, it } from 'vitest';
import { domainHash } from '../canonical-json.ts';
import { draftEpoch, hex, MAX_U128, sealEpoch, treeOf } from './epoch.ts';
import { rootOf } from './epoch-tree.ts';
import { assertSucceeds } from './succession.ts';
import { verifyEpoch } from './verify-epoch.ts';
import type { EpochData, EpochInput, Payee } from './epoch.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`epoch: seed ${seed}`);

const input = (payees: readonly Payee[], rest: Partial<EpochInput> = {}): EpochInput => ({ network: 'ciro-test', chainId: '0x534e5f4d41494e', store: '0x77', epoch: 3, payees, ...rest });
const epochOf = (payees: readonly Payee[], rest: Partial<EpochInput> = {}): EpochData => {
  const draft = draftEpoch(input(payees, rest));
  return sealEpoch(draft, rootOf(treeOf(draft)));
};
const PAYEES = [{ account: '0x9', cumulative: 4n }, { account: '0xa0', cumulative: 10n ** 30n }, { account: '0x3', cumulative: 1n }];
const payees = fc.uniqueArray(fc.record({ account: fc.bigInt(1n, 2n ** 251n - 257n).map(hex), cumulative: fc.bigInt(1n, 10n ** 30n) }), { minLength: 1, maxLength: 12, selector: ({ account }) => account });

it('X4: entries rise by account; total, count and depth follow; one set of payees has one epoch, in whatever order they come', () => {
  const epoch = epochOf(PAYEES);
  expect(epoch.entries.map(({ account }) => account)).toEqual(['0x3', '0x9', '0xa0']);
  expect(epoch).toMatchObject({ total: String(10n ** 30n + 5n), count: 3, depth: 2, epoch: 3, corrections: [] });
  expect(epochOf([...PAYEES].reverse())).toEqual(epoch);
  const { data_hash: dataHash, ...body } = epoch;
  expect(BigInt(dataHash)).toBe(BigInt(`0x${domainHash('ciro/epoch/1', body)}`) % 2n ** 251n);
});

it.each<[string, Payee[], string]>([
  ['no payee', [], 'empty'],
  ['an account twice', [...PAYEES, { account: '0x9', cumulative: 1n }], 'duplicate-account'],
  ['nothing earned', [{ account: '0x1', cumulative: 0n }], 'bad-amount'],
  ['less than nothing', [{ account: '0x1', cumulative: -1n }], 'bad-amount'],
  ['more than a u128', [{ account: '0x1', cumulative: MAX_U128 + 1n }], 'bad-amount'],
  ['more than a u128 together', [{ account: '0x1', cumulative: MAX_U128 }, { account: '0x2', cumulative: 1n }], 'over-total'],
  ['account 0', [{ account: '0x0', cumulative: 1n }], 'bad-account'],
  ['another text of an account', [{ account: '0x01', cumulative: 1n }], 'bad-account'],
  ['an account beyond the addresses', [{ account: `0x${(2n ** 251n - 256n).toString(16)}`, cumulative: 1n }], 'bad-account'],
  ['a name', [{ account: 'ada', cumulative: 1n }], 'bad-account'],
])('X4: %s is refused by name', (_what, list, code) => {
  expect(() => draftEpoch(input(list))).toThrow(expect.objectContaining({ name: 'SettlementError', code }));
});

it('X4: what is built verifies, and the sum of its entries is its total', () => {
  fc.assert(
    fc.property(payees, (list) => {
      const epoch = epochOf(list);
      expect(epoch.entries.reduce((sum, { cumulative }) => sum + BigInt(cumulative), 0n)).toBe(list.reduce((sum, { cumulative }) => sum + cumulative, 0n));
      const report = verifyEpoch(JSON.parse(JSON.stringify(epoch)));
      expect(report.first).toBeNull();
      expect(report.checks.map(({ name, state }) => `${name}: ${state}`)).toEqual(['format: ok', 'entries: ok', 'root: ok', 'proofs: ok', 'data hash: ok', 'ledger head: not checked', 'succession: not checked']);
    }),
    { seed, numRuns: 20 },
  );
});

const good = epochOf(PAYEES);
const [one, two, three] = good.entries as [EpochData['entries'][0], EpochData['entries'][0], EpochData['entries'][0]];
it.each<[string, unknown, string]>([
  ['no object', 7, 'epoch'],
  ['null', null, 'epoch'],
  ['a surplus field', { ...good, extra: 1 }, 'extra'],
  ['an amount with a leading zero', { ...good, entries: [{ ...one, cumulative: '01' }, two, three] }, 'entries.0.cumulative'],
  ['an amount as a number', { ...good, entries: [{ ...one, cumulative: 1 }, two, three] }, 'entries.0.cumulative'],
  ['an account above the field', { ...good, entries: [{ ...one, account: `0x${'f'.repeat(63)}` }, two, three] }, 'entries.0.account'],
  ['an inherited entry', { ...good, entries: JSON.parse('[{"__proto__":{"account":"0x3","cumulative":"1"}}]') }, 'entries.0'],
  ['two entries that changed places', { ...good, entries: [two, one, three] }, 'entries[0].account'],
  ['an entry twice', { ...good, entries: [one, one, two, three] }, 'entries'],
  ['another total', { ...good, total: '5' }, 'total'],
  ['another count', { ...good, count: 4 }, 'count'],
  ['another depth', { ...good, depth: 3 }, 'depth'],
  ['another amount', { ...good, total: String(BigInt(good.total) + 1n), entries: [{ ...one, cumulative: '2' }, two, three] }, 'root'],
  ['another root', { ...good, root: '0x5' }, 'root'],
  ['another epoch number', { ...good, epoch: 4 }, 'data_hash'],
  ['another data hash', { ...good, data_hash: '0x5' }, 'data_hash'],
  ['another contract', { ...good, store: '0x78' }, 'root'],
])('X4: %s fails, and the report names it', (_what, value, at) => {
  const report = verifyEpoch(value);
  expect(report.verdict).toBe('failed');
  expect(report.first?.at).toContain(at);
});

it('X5: nobody may have less than in the epoch before, but for a correction by name', () => {
  const lower = [{ account: '0x3', cumulative: 1n }, { account: '0xa0', cumulative: 10n ** 30n }, { account: '0x9', cumulative: 1n }];
  const corrections = [{ account: '0x9', by: '3', name: 'case 12' }];
  const [fallen, corrected] = [epochOf(lower, { epoch: 4 }), epochOf(lower, { epoch: 4, corrections })];
  expect(() => assertSucceeds(good, fallen)).toThrow('account 0x9 has 1 base units in epoch 4 and had 4 in epoch 3; corrections explain 0 of them');
  expect(() => assertSucceeds(good, corrected)).not.toThrow();
  expect(() => assertSucceeds(good, epochOf(lower.slice(0, 2), { corrections }))).toThrow('has 0 base units');
  expect(verifyEpoch(fallen, { before: good }).first).toMatchObject({ at: 'entries of 0x9', expected: 'at least 4', got: '1' });
  expect(verifyEpoch(corrected, { before: good }).checks.at(-1)).toMatchObject({ state: 'ok', detail: expect.stringContaining('1 corrections') });
  expect(verifyEpoch(corrected, { before: { ...good, store: '0x78' } }).first?.at).toBe('before.store');
  expect(verifyEpoch(corrected, { before: corrected }).first?.at).toBe('before.epoch');
  expect(verifyEpoch(corrected, { before: 'x' }).verdict).toBe('failed');
});

it('X4: hostile text never throws', () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...Object.keys(good)), (junk, field) => {
      expect(() => verifyEpoch({ ...good, [field]: junk })).not.toThrow();
      expect(verifyEpoch(junk).verdict).toBe('failed');
    }),
    { seed, numRuns: 200 },
  );
});
