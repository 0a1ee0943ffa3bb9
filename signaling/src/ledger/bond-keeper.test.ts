import { expect, it } from 'vitest';
import { Ledger } from './ledger.ts';
import { BondKeeper, RETIRED_AFTER_MS } from './bond-keeper.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';

const job = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const [ada, bea] = ['a', 'b'] as NodeId[] as [NodeId, NodeId];

async function setup() {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  await ledger.start();
  await ledger.openTrial('ann');
  await ledger.hold(job(1), 'ann', 100n);
  await ledger.settle(job(1), { debit: 60n, fee: 4n, credits: [{ worker: ada, amount: 30n }, { worker: bea, amount: 26n }] });
  for (const worker of [ada, bea]) await ledger.payable(job(1), worker, 5_000n);
  return ledger;
}

it('M7: a bond is paid out 30 days after its worker was last seen, and not before; who still comes keeps it', async () => {
  const ledger = await setup();
  const clock = new VirtualClock();
  const seen = new Map([[ada, clock.now()]]);
  const lastSeen = (node: NodeId) => Promise.resolve(node === bea ? clock.now() : seen.get(node));
  const errors: unknown[] = [];
  const keeper = new BondKeeper({ clock, ledger, lastSeen, onError: (error) => errors.push(error) });
  for (let day = 1; day < 30; day++) clock.advance(RETIRED_AFTER_MS / 30);
  await settled();
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 15n, withheld: 15n });
  clock.advance(RETIRED_AFTER_MS / 30);
  await settled();
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 30n, withheld: 0n });
  expect(await ledger.workerTotals(bea)).toEqual({ pending: 0n, payable: 13n, withheld: 13n });
  await keeper.close();
  expect(errors).toEqual([]);
});

it('M7: what an audit is weighed by is the credit of the job and the bond', async () => {
  const ledger = await setup();
  expect(await ledger.stake(job(1), ada)).toEqual({ credit: 30n, bond: 15n });
  expect(await ledger.stake(job(2), 'z' as NodeId)).toEqual({ credit: 0n, bond: 0n });
});

/** Lets the rounds that a timer began come to their end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
