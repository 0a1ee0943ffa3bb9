import { expect, it } from 'vitest';
import { gasDifferences, reportRows } from './gas-report.ts';

const receipt = (l2Gas: number) => ({ hash: '0x1' as const, l2Gas, l1DataGas: 192, feeFri: 10n ** 18n, ms: 66.4, events: [] });
const rows = (gas: Readonly<Record<string, number>>) => reportRows([{ name: 'CiroToken', felts: 4_204 }], Object.entries(gas).map(([what, l2Gas]) => ({ what, receipt: receipt(l2Gas) })));

it('has one key set for classes and transactions', () => {
  const [size, claim] = rows({ claim: 100 });
  expect(Object.keys(size ?? {})).toEqual(Object.keys(claim ?? {}));
  expect(claim).toMatchObject({ what: 'claim', l2_gas: 100, strk: 1, ms: 66 });
});

it('lets gas move by 5 %, and names what moves further, comes or goes', () => {
  expect(gasDifferences(rows({ claim: 1_000, post: 1_000 }), rows({ claim: 1_050, post: 950 }))).toEqual([]);
  expect(gasDifferences(rows({ claim: 1_000, post: 1_000, old: 1 }), rows({ claim: 1_051, post: 949, fresh: 1 }))).toEqual([
    'claim: 1051 L2 gas, committed 1000 (+5.1 %)',
    'post: 949 L2 gas, committed 1000 (-5.1 %)',
    'fresh: not in the committed report',
    'old: only in the committed report',
  ]);
});

it('does not pass for lack of anything to compare with', () => {
  expect(() => gasDifferences(rows({}), rows({ claim: 1 }))).toThrow('no transactions');
});
