import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { Ledger } from './ledger.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';

const job = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const audit = (n: number): AuditId => n.toString(16).padStart(32, 'a') as AuditId;
const [ada, bea, cyd] = ['a', 'b', 'c'] as NodeId[] as [NodeId, NodeId, NodeId];
const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const HALF = 5_000n;

/** A requester with a trial, and job 1 charged: 60 in all, of it 4 fee, 30 to a, 16 to b, 10 to c. */
async function setup() {
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => 1_000 });
  await ledger.start();
  await ledger.openTrial('ann');
  const settle = async (n: number): Promise<void> => {
    await ledger.hold(job(n), 'ann', 100n);
    await ledger.settle(job(n), { debit: 60n, fee: 4n, credits: [{ worker: ada, amount: 30n }, { worker: bea, amount: 16n }, { worker: cyd, amount: 10n }] });
  };
  await settle(1);
  const held = async (account: AccountName): Promise<bigint> => (await store.allBalances()).get(account) ?? 0n;
  /** Moves all but `left` out of an account of the network, as if it had been spent. */
  const drain = async (account: 'pool' | 'fee', left = 0n): Promise<void> => {
    const amount = (await held(account)) - left;
    const audited = audit(store.entries.length);
    if (account === 'fee') return ledger.auditPaid(audited, job(1), 'z' as NodeId, amount);
    const fee = await held('fee');
    await ledger.auditPaid(audited, job(1), 'z' as NodeId, amount + fee);
  };
  const pool = (): Promise<bigint> => held('pool');
  const account = async (n = 1) => {
    const found = await ledger.jobAccount(job(n));
    if (found === undefined) throw new Error(`job ${n} has no account`);
    const dues = found.credits.reduce((sum, { due }) => sum + due, 0n);
    expect(found.debit + found.fromPool, 'conservation').toBe(found.refunded + found.fee - found.fromFee + dues);
    return found;
  };
  return { store, ledger, settle, held, drain, pool, account };
}

it('M7: a credit becomes payable but for the half that is withheld; a second call changes nothing', async () => {
  const { store, ledger, account } = await setup();
  await ledger.payable(job(1), ada, HALF);
  const entries = store.entries.length;
  await ledger.payable(job(1), ada, HALF);
  expect(store.entries).toHaveLength(entries);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 15n, withheld: 15n });
  expect((await account()).credits[0]).toEqual({ worker: ada, amount: 30n, status: 'payable', due: 30n, withheld: 15n });
});

it('M7: with nothing to withhold the whole credit is payable, and the bond stays where it is', async () => {
  const { ledger, settle } = await setup();
  await ledger.payable(job(1), ada, HALF);
  await settle(2);
  await ledger.payable(job(2), ada, 0n);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 45n, withheld: 15n });
});

it('M7: the bond of a worker that is gone is released, once for each time it was there', async () => {
  const { store, ledger } = await setup();
  await ledger.payable(job(1), ada, HALF);
  await ledger.retire(ada, 77);
  const entries = store.entries.length;
  await ledger.retire(ada, 77);
  expect(store.entries).toHaveLength(entries);
  expect(store.entries.at(-1)).toMatchObject({ kind: 'released', key: `released:${ada}:77`, job: null });
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 30n, withheld: 0n });
});

it('M7: unpaid work goes back to the requester, and nothing happens to the worker', async () => {
  const { ledger, account, held } = await setup();
  await ledger.unpaid(job(1), bea);
  await ledger.unpaid(job(1), bea);
  expect(await held('requester:ann')).toBe(TRIAL - 60n + 16n);
  expect(await account()).toMatchObject({ refunded: 16n, fromFee: 0n, fromPool: 0n, credits: [{ status: 'pending' }, { status: 'void', due: 0n }, { status: 'pending' }] });
  await expect(ledger.payable(job(1), bea, 0n)).rejects.toMatchObject({ code: 'duplicate' });
  await ledger.payable(job(1), ada, 0n);
  await expect(ledger.unpaid(job(1), ada)).rejects.toMatchObject({ code: 'duplicate' });
});

it('the entry of a credit is the one that decided it, and before that the charge', async () => {
  const { store, ledger } = await setup();
  const charge = store.entries.at(-1);
  expect(await ledger.creditEntry(job(1), ada)).toEqual(charge);
  await ledger.payable(job(1), ada, 0n);
  await ledger.failed(job(1), [bea]);
  const entries = await Promise.all([ada, bea, cyd].map((worker) => ledger.creditEntry(job(1), worker)));
  expect(entries.map((entry) => entry?.kind)).toEqual(['payable', 'void', 'charge']);
  expect(await ledger.creditEntry(job(2), ada)).toBeUndefined();
});

it('what has no credit in a charged job is left alone; what was never charged cannot be decided', async () => {
  const { store, ledger } = await setup();
  const entries = store.entries.length;
  await ledger.payable(job(1), 'z' as NodeId, HALF);
  await ledger.unpaid(job(1), 'z' as NodeId);
  expect(store.entries).toHaveLength(entries);
  await ledger.hold(job(2), 'ann', 10n);
  for (const decide of [() => ledger.payable(job(2), ada, 0n), () => ledger.unpaid(job(2), ada), () => ledger.failed(job(2), [ada]), () => ledger.payable(job(3), ada, 0n)]) await expect(decide()).rejects.toMatchObject({ code: 'unknown-hold' });
  await ledger.release(job(2));
  await expect(ledger.failed(job(2), [])).rejects.toMatchObject({ code: 'unknown-hold' });
  await expect(ledger.payable(job(1), ada, 10_001n)).rejects.toThrow(RangeError);
});

it('M7: a failed job costs its requester nothing; the convicted loses its credit and what was withheld; honest stages are paid, by the pool', async () => {
  const { store, ledger, settle, account, held, pool } = await setup();
  await ledger.payable(job(1), ada, HALF);
  await settle(2);
  const before = { requester: await held('requester:ann'), pool: await pool() };
  await ledger.failed(job(2), [ada, ada]);
  expect(await held('requester:ann')).toBe(before.requester + 60n);
  // 60 back = 30 of the convicted + 4 fee + 26 of the pool, which got 15 that were withheld.
  expect(await pool()).toBe(before.pool - 26n + 15n);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 15n, withheld: 0n });
  expect(await account(2)).toMatchObject({ debit: 60n, refunded: 60n, fromFee: 4n, fromPool: 26n, credits: [{ status: 'void', due: 0n }, { status: 'pending', due: 16n }, { status: 'pending', due: 10n }] });
  const entries = store.entries.length;
  await ledger.failed(job(2), [ada]);
  expect(store.entries).toHaveLength(entries);
  await ledger.payable(job(2), bea, HALF);
  expect(await ledger.workerTotals(bea)).toEqual({ pending: 16n, payable: 8n, withheld: 8n });
});

it('M7: a crash in the middle of a failed job leaves nothing of it', async () => {
  const steps: string[] = [];
  let allowed = Number.POSITIVE_INFINITY;
  const store = new MemoryLedgerStore((step) => {
    if (step !== 'append') return;
    steps.push(step);
    if (steps.length > allowed) throw new Error('crash');
  });
  const ledger = new Ledger(store, { now: () => 1_000 });
  await ledger.start();
  await ledger.openTrial('ann');
  await ledger.hold(job(1), 'ann', 100n);
  await ledger.settle(job(1), { debit: 60n, fee: 4n, credits: [{ worker: ada, amount: 30n }, { worker: bea, amount: 26n }] });
  allowed = steps.length + 1;
  const before = await store.allBalances();
  await expect(ledger.failed(job(1), [ada])).rejects.toThrow('crash');
  expect(await store.allBalances()).toEqual(before);
  allowed = Number.POSITIVE_INFINITY;
  await ledger.failed(job(1), [ada]);
  expect((await ledger.jobAccount(job(1)))?.refunded).toBe(60n);
});

it('M7: a job may fail without anybody convicted: the requester is paid back by fee and pool, every stage keeps its credit', async () => {
  const { ledger, account } = await setup();
  await ledger.failed(job(1), []);
  expect(await account()).toMatchObject({ refunded: 60n, fromFee: 4n, fromPool: 56n });
  expect((await account()).credits.map(({ due }) => due)).toEqual([30n, 16n, 10n]);
});

it('M7: what was unpaid before a job failed is given back once; a stage convicted afterwards pays back the pool', async () => {
  const { ledger, account, held } = await setup();
  await ledger.unpaid(job(1), cyd);
  await ledger.failed(job(1), [ada]);
  expect(await held('requester:ann')).toBe(TRIAL);
  expect(await account()).toMatchObject({ refunded: 60n, fromFee: 4n, fromPool: 16n });
  await ledger.failed(job(1), [ada, bea]);
  expect(await held('requester:ann')).toBe(TRIAL);
  expect(await account()).toMatchObject({ refunded: 60n, fromFee: 4n, fromPool: 0n });
});

it('M7: with fee and pool empty, honest pending credits bear what is missing, by their share, and the entry has a line for each', async () => {
  const { store, ledger, account, drain, held } = await setup();
  await drain('fee');
  await drain('pool', 13n);
  await ledger.failed(job(1), [ada]);
  // 60 owed, 30 of the convicted, 13 of the pool: 17 missing of 26 pending.
  expect(await held('requester:ann')).toBe(TRIAL);
  expect(store.entries.at(-1)).toMatchObject({ kind: 'refund', lines: [{ account: 'worker:b:pending', amount: -11n }, { account: 'worker:c:pending', amount: -6n }, { account: 'pool', amount: -13n }, { account: 'requester:ann', amount: 30n }] });
  expect((await account()).credits.map(({ status, due }) => [status, due])).toEqual([['void', 0n], ['pending', 5n], ['pending', 4n]]);
  await ledger.payable(job(1), bea, HALF);
  expect(await ledger.workerTotals(bea)).toEqual({ pending: 0n, payable: 3n, withheld: 2n });
});

it('M7: what is payable is never taken back: then the requester gets what there is', async () => {
  const { ledger, account, drain, held } = await setup();
  for (const worker of [bea, cyd]) await ledger.payable(job(1), worker, 0n);
  await drain('pool');
  expect([await held('fee'), await held('pool')]).toEqual([0n, 0n]);
  await ledger.failed(job(1), [ada]);
  expect(await account()).toMatchObject({ debit: 60n, refunded: 30n, fromFee: 0n, fromPool: 0n });
  expect(await ledger.workerTotals(bea)).toMatchObject({ payable: 16n });
});

it('M7: a stage that is convicted when its credit is payable already keeps what is payable, and the requester is paid back all the same', async () => {
  const { ledger, account, held } = await setup();
  await ledger.payable(job(1), ada, HALF);
  await ledger.failed(job(1), [ada]);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 15n, withheld: 0n });
  expect(await held('requester:ann')).toBe(TRIAL);
  expect(await account()).toMatchObject({ refunded: 60n, fromFee: 4n, fromPool: 56n });
});

it('M8: an audit is paid once, from the fee account, then from the pool, then not at all', async () => {
  const { store, ledger, account, held, pool, drain } = await setup();
  const before = await pool();
  await ledger.auditPaid(audit(1), job(1), bea, 3n);
  await ledger.auditPaid(audit(1), job(1), bea, 3n);
  expect([await held('fee'), await pool()]).toEqual([1n, before]);
  await ledger.auditPaid(audit(2), job(1), cyd, 5n);
  expect([await held('fee'), await pool()]).toEqual([0n, before - 4n]);
  expect((await account()).audits).toEqual([{ audit: audit(1), auditor: bea, amount: 3n }, { audit: audit(2), auditor: cyd, amount: 5n }]);
  await drain('pool');
  await ledger.auditPaid(audit(3), job(1), bea, 5n);
  expect(store.entries.at(-1)).toMatchObject({ kind: 'audit', key: `audit:${audit(3)}`, lines: [] });
  expect(await ledger.workerTotals(bea)).toMatchObject({ pending: 16n, payable: 3n });
  await expect(ledger.auditPaid(audit(4), job(1), bea, -1n)).rejects.toThrow(RangeError);
});

it('Q4: what a conviction took comes back from the pool, once: the credit is payable, the bond a bond; the requester keeps its refund', async () => {
  const { store, ledger, settle, held, pool, account } = await setup();
  await ledger.payable(job(1), ada, HALF);
  await settle(2);
  const before = { ada: await ledger.workerTotals(ada), pool: await pool() };
  await ledger.restored(job(2), ada);
  expect(await ledger.workerTotals(ada)).toEqual(before.ada);
  await ledger.failed(job(2), [ada]);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 15n, withheld: 0n });
  const [requester, entries, taken] = [await held('requester:ann'), store.entries.length, await pool()];
  await ledger.restored(job(2), ada);
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 45n, withheld: 15n });
  expect([await held('requester:ann'), await pool()]).toEqual([requester, taken - 45n]);
  await ledger.restored(job(2), ada);
  expect(store.entries).toHaveLength(entries + 1);
  expect((await account(2)).credits[0]).toMatchObject({ worker: ada, status: 'void' });
  // Nothing was lost by a job that is paid.
  await ledger.restored(job(1), ada);
  expect(store.entries).toHaveLength(entries + 1);
});

it('Q4: a pool that does not reach pays nothing yet', async () => {
  const { ledger, drain } = await setup();
  await ledger.failed(job(1), [ada]);
  await drain('pool', 29n);
  await expect(ledger.restored(job(1), ada)).rejects.toMatchObject({ code: 'insufficient', fields: { balance: '29', needed: '30' } });
  expect(await ledger.workerTotals(ada)).toEqual({ pending: 0n, payable: 0n, withheld: 0n });
});

it('Q4, M11: of a bond that was paid for, what comes back is paid for again; the credit of a paid job is given, as its requester has the deposit back', async () => {
  const { ledger, held } = await setup();
  await ledger.deposit('1', 'bob', 200n);
  for (const n of [3, 4]) {
    await ledger.hold(job(n), 'bob', 100n);
    await ledger.settle(job(n), { debit: 40n, fee: 0n, credits: [{ worker: bea, amount: 40n }] });
  }
  await ledger.payable(job(3), bea, HALF);
  const accounts = ['worker:b:payable', 'worker:b:promotional', 'worker:b:withheld', 'worker:b:withheld:paid', 'requester:bob:paid'] as const;
  const balances = (): Promise<bigint[]> => Promise.all(accounts.map(held));
  expect(await balances()).toEqual([20n, 0n, 0n, 20n, 120n]);
  await ledger.failed(job(4), [bea]);
  expect(await balances()).toEqual([20n, 0n, 0n, 0n, 160n]);
  await ledger.restored(job(4), bea);
  expect(await balances()).toEqual([20n, 40n, 0n, 20n, 160n]);
});
