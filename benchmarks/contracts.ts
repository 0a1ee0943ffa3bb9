/**
 * `npm run bench -- contracts`: what every step of the money's path costs on a local chain, in gas. Nothing random and no timing is in the bars,
 * so the numbers are the same on every machine. New payees of a group are held against transfers to payees that are as new, seen ones against seen ones.
 */
import { readLock } from '@ciro/contracts/build/artefacts.ts';
import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { devnetHere } from '../tests/support/devnet-binary.ts';
import { reportRows } from './contracts/gas-report.ts';
import { ROW, measureGas } from './contracts/measure.ts';
import { BenchError } from './result.ts';
import type { GasRow } from './contracts/measure.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

export async function run({ signal, say }: BenchContext): Promise<BenchReport> {
  const lock = await readLock();
  const sizes = Object.entries(lock).map(([name, { sierraFelts }]) => ({ name, felts: sierraFelts }));
  if (sizes.length === 0) throw new BenchError('contracts/classes.lock.json lists no class. Run `npm run contracts` first.');
  const largest = Math.max(...sizes.map(({ felts }) => felts));
  const here = await devnetHere();
  if ('missing' in here) {
    say(`\n${here.missing}. NO GAS WAS MEASURED.\n`);
    const not = { notMeasured: 'no starknet-devnet on this machine' };
    return { seeds: [], rows: reportRows(sizes, []), values: { ...Object.fromEntries(GAS_BARS.map((bar) => [bar, not])), class_felts: largest } };
  }
  await using local = await openLocalChain({ binary: here.binary, signal, report: ({ step }) => say(step) });
  const rows = await measureGas(local, say);
  const gas = (what: string): number => gasOf(rows, what);
  return {
    seeds: [],
    rows: reportRows(sizes, rows),
    values: {
      claim_seen_l2_gas: gas(ROW.claimSeen),
      claim_new_l2_gas: gas(ROW.claimNew),
      claim_group_seen_ratio: gas(ROW.groupSeen) / gas(ROW.transfersSeen),
      claim_group_new_ratio: gas(ROW.groupNew) / gas(ROW.transfersNew),
      post_epoch_l2_gas: Math.max(gas(ROW.postFirst), gas(ROW.postLater)),
      sponsored_first_action_l2_gas: gas(ROW.sponsoredFirst),
      class_felts: largest,
    },
  };
}

const GAS_BARS = ['claim_seen_l2_gas', 'claim_new_l2_gas', 'claim_group_seen_ratio', 'claim_group_new_ratio', 'post_epoch_l2_gas', 'sponsored_first_action_l2_gas'];

function gasOf(rows: readonly GasRow[], what: string): number {
  const found = rows.find((row) => row.what === what);
  if (found === undefined) throw new BenchError(`No transaction ${what} was measured.`);
  return found.receipt.l2Gas;
}
