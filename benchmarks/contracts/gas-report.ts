import { BenchError } from '../result.ts';
import type { BenchReport } from '../result.ts';
import type { GasRow } from './measure.ts';

type Cells = BenchReport['rows'][number];

/** A measured transaction may take so much more or less gas than the committed one. */
export const TOLERANCE = 0.05;
/** Fri of one STRK. */
const STRK = 10 ** 18;

/** Rows of the report: the classes' sizes, then the transactions. All have the same keys. */
export function reportRows(sizes: readonly { readonly name: string; readonly felts: number }[], gas: readonly GasRow[]): Cells[] {
  return [
    ...sizes.map(({ name, felts }) => ({ what: `class ${name}`, felts, l2_gas: '', l1_data_gas: '', strk: '', ms: '' })),
    ...gas.map(({ what, receipt }) => ({ what, felts: '', l2_gas: receipt.l2Gas, l1_data_gas: receipt.l1DataGas, strk: Number((Number(receipt.feeFri) / STRK).toFixed(6)), ms: Math.round(receipt.ms) })),
  ];
}

/** What differs by more than the tolerance between a committed report and one made now; steps that only one of them has are named as well. */
export function gasDifferences(committed: readonly Cells[], measured: readonly Cells[]): string[] {
  const gasOf = (rows: readonly Cells[]): Map<string, number> =>
    new Map(rows.flatMap((row) => (typeof row['what'] === 'string' && typeof row['l2_gas'] === 'number' ? [[row['what'], row['l2_gas']] as const] : [])));
  const [before, now] = [gasOf(committed), gasOf(measured)];
  if (before.size === 0) throw new BenchError('The committed gas report has no transactions: run `npm run bench -- contracts` where a devnet is.');
  const differences = [...now].flatMap(([what, gas]) => {
    const was = before.get(what);
    if (was === undefined) return [`${what}: not in the committed report`];
    return Math.abs(gas - was) > TOLERANCE * was ? [`${what}: ${gas} L2 gas, committed ${was} (${gas > was ? '+' : ''}${((gas / was - 1) * 100).toFixed(1)} %)`] : [];
  });
  return [...differences, ...[...before.keys()].filter((what) => !now.has(what)).map((what) => `${what}: only in the committed report`)];
}
