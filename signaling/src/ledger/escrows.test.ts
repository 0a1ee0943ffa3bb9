import { expect, it } from 'vitest';
import { replay } from '@ciro/core/ledger/entry.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { POOL_CREDITS, Ledger } from './ledger.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';

const JOB = '0'.repeat(31).concat('1') as JobId;
const AGAIN = '0'.repeat(31).concat('2') as JobId;
const [W1, W2] = ['w1', 'w2'] as [NodeId, NodeId];
const ESCROW = '0x7a5';
const POOL = POOL_CREDITS * BASE_UNITS_PER_CREDIT;

async function setup() {
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => 1_000 });
  await ledger.start();
  const balances = async () => new Map(await store.allBalances());
  return { store, ledger, balances };
}

it('N5: a budget is issued once, pays a hold, takes the rest of a charge back, and leaves with what was not used', async () => {
  const { ledger, balances, store } = await setup();
  await ledger.escrowed(ESCROW, 100n);
  await ledger.escrowed(ESCROW, 100n);
  await ledger.hold(JOB, 'ada', 60n, { escrow: ESCROW });
  expect(await ledger.escrowBehind(JOB)).toBe(ESCROW);
  await ledger.settle(JOB, { debit: 40n, fee: 1n, credits: [{ worker: W1, amount: 20n }, { worker: W2, amount: 19n }] });
  expect(await ledger.escrow(ESCROW)).toEqual({ budget: 100n, left: 60n, returned: false });
  await expect(ledger.escrowSettled(ESCROW, 61n)).rejects.toMatchObject({ code: 'unbalanced' });
  await ledger.escrowSettled(ESCROW, 60n);
  await ledger.escrowSettled(ESCROW, 60n);
  expect((await balances()).get('issued')).toBe(-POOL - 40n);
  expect((await balances()).get(`escrow:${ESCROW}`)).toBe(0n);
  expect(await ledger.balance('ada')).toBe(0n);
  expect(replay(store.entries).get('fee:paid')).toBe(1n);
});

it('N5: an escrow pays no more than its budget, whatever its account has, and a budget is not booked anew', async () => {
  const { ledger } = await setup();
  await ledger.openTrial('ada');
  await ledger.escrowed(ESCROW, 100n);
  await expect(ledger.hold(JOB, 'ada', 101n, { escrow: ESCROW })).rejects.toMatchObject({ code: 'insufficient', fields: { balance: '100', needed: '101' } });
  await expect(ledger.escrowed(ESCROW, 101n)).rejects.toMatchObject({ code: 'duplicate' });
  expect(await ledger.escrowBehind(JOB)).toBeUndefined();
  await ledger.hold(JOB, 'ada', 101n);
  expect(await ledger.escrowBehind(JOB)).toBeUndefined();
});

it('N7: after a refund by the contract nobody is paid, and the ledger is as before the budget but for what audits cost', async () => {
  const { ledger, balances } = await setup();
  await ledger.escrowed(ESCROW, 100n);
  await ledger.hold(JOB, 'ada', 60n, { escrow: ESCROW });
  await ledger.settle(JOB, { debit: 40n, fee: 4n, credits: [{ worker: W1, amount: 20n }, { worker: W2, amount: 16n }] });
  // Its answer was done again; the first was paid back from fee and pool, and its honest stage kept its credit.
  await ledger.failed(JOB, [W1]);
  await ledger.hold(AGAIN, 'ada', 60n, { escrow: ESCROW });
  await ledger.settle(AGAIN, { debit: 50n, fee: 5n, credits: [{ worker: W2, amount: 45n }] });
  await ledger.auditPaid('a'.repeat(32) as never, AGAIN, W1, 2n);
  expect(await ledger.escrowRefunded(ESCROW, [JOB, AGAIN, 'f'.repeat(32) as JobId])).toBe(100n);
  expect(await ledger.escrowRefunded(ESCROW, [JOB, AGAIN])).toBe(100n);
  const after = await balances();
  expect(after.get('issued')).toBe(-POOL);
  expect((after.get('pool') ?? 0n) + (after.get('fee') ?? 0n) + (after.get('fee:paid') ?? 0n)).toBe(POOL - 2n);
  for (const worker of [W1, W2]) expect((await ledger.workerTotals(worker)).pending).toBe(0n);
});
