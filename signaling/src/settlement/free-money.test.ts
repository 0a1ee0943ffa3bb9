import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TRIAL_CREDITS } from '@ciro/core/units.ts';
import { BondKeeper, RETIRED_AFTER_MS } from '../ledger/bond-keeper.ts';
import { TRIAL_DAILY_CAP_CREDITS } from '../ledger/ledger.ts';
import { PROMOTION_DAILY_CAP_CREDITS, PROMOTION_WORKER_DAILY_CAP_CREDITS } from '../ledger/promotions.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { credits, DAY_MS, Farm, workerAt } from './farm.fixture.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`free money: seed ${seed}`);

const TRIAL = credits(TRIAL_CREDITS);
const TRIALS_A_DAY = Number(TRIAL_DAILY_CAP_CREDITS / TRIAL_CREDITS);
const WORKER_CAP = credits(PROMOTION_WORKER_DAILY_CAP_CREDITS);
const DAY_CAP = credits(PROMOTION_DAILY_CAP_CREDITS);

const workers = (count: number, from = 0): NodeId[] => Array.from({ length: count }, (_, index) => workerAt(from + index));

/** M11: the chain has paid, and can be made to pay, no more than was paid in and promoted; and promotions are within their caps. */
async function expectBacked(farm: Farm): Promise<void> {
  const backing = farm.deposited() + farm.promoted();
  expect(farm.paid()).toBeLessThanOrEqual(backing);
  const withdrawable = [...(await farm.ledger.earned()).values()].reduce((sum, { payable, settled }) => sum + payable + settled, 0n);
  expect(withdrawable).toBeLessThanOrEqual(backing);
  expect(farm.promoted()).toBeLessThanOrEqual(farm.promotionCap());
  expect(farm.errors).toEqual([]);
}

it('trial farming: every trial of two days spent on own workers brings the promotion cap of those days, and no token more', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const own = workers(20);
  for (let day = 0; day < 2; day++) {
    for (let n = 0; n < TRIALS_A_DAY; n++) {
      await farm.ledger.openTrial(`farmer-${day}-${n}`);
      await farm.passedWork(`farmer-${day}-${n}`, TRIAL, [own[n % own.length] as NodeId]);
    }
    await expect(farm.ledger.openTrial(`late-${day}`)).rejects.toMatchObject({ code: 'daily-cap' });
    await farm.pass(24);
  }
  await expectBacked(farm);
  expect(farm.deposited()).toBe(0n);
  // The farm earned nearly ten times as much.
  expect(farm.paid()).toBeLessThanOrEqual(farm.promotionCap());
  expect(farm.paid()).toBeGreaterThanOrEqual(2n * DAY_CAP);
});

it('trial farming with one worker: it is paid what one trial is worth a day', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  for (let n = 0; n < 10; n++) {
    await farm.ledger.openTrial(`farmer-${n}`);
    await farm.passedWork(`farmer-${n}`, TRIAL, [workerAt(0)]);
  }
  await farm.pass(20);
  expect(farm.paid()).toBe(WORKER_CAP);
  await expectBacked(farm);
});

it('trial farming takes nothing from those who serve requesters that pay, and newcomers get their share of the next day', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const own = workers(100);
  for (let n = 0; n < TRIALS_A_DAY - 1; n++) {
    await farm.ledger.openTrial(`farmer-${n}`);
    await farm.passedWork(`farmer-${n}`, TRIAL, [own[n] as NodeId]);
  }
  await farm.pass(2);
  expect(farm.paid(own)).toBe(DAY_CAP);
  const [serving, newcomer] = workers(2, 500) as [NodeId, NodeId];
  await farm.ledger.deposit('bank 1', 'payer', credits(100));
  await farm.passedWork('payer', credits(100), [serving]);
  await farm.ledger.openTrial('curious');
  await farm.passedWork('curious', credits(40), [newcomer]);
  await farm.pass(2);
  expect([farm.paid([serving]), farm.paid([newcomer])]).toEqual([credits(100) * 975n / 1_000n, 0n]);
  await farm.pass(24);
  expect(farm.paid([newcomer])).toBe(credits(40) * 975n / 1_000n);
  await expectBacked(farm);
});

it('self-dealing: who is requester and worker gets back less than it paid in', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  await farm.ledger.deposit('bank 1', 'both', credits(1_000));
  for (let n = 0; n < 10; n++) await farm.passedWork('both', credits(100), workers(3));
  await farm.pass(3);
  expect(farm.paid()).toBeGreaterThan(0n);
  expect(farm.paid()).toBeLessThanOrEqual(credits(975));
  expect(farm.promoted()).toBe(0n);
  await expectBacked(farm);
});

it('idle bonus farming: there is none; tabs that only stay make no entry, no epoch and no transaction in sixty days', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const before = farm.ledgerStore.entries.length;
  const keeper = new BondKeeper({ clock: farm.clock, ledger: farm.ledger, lastSeen: async () => farm.clock.now(), onError: (error) => farm.errors.push(error) });
  for (let day = 0; day < 60; day++) await farm.pass(24);
  await keeper.close();
  expect(farm.ledgerStore.entries).toHaveLength(before);
  expect([await farm.settlement.epochs(1), farm.chain.posts, farm.paid()]).toEqual([[], 0, 0n]);
  await expectBacked(farm);
});

it('churn farming: leaving and coming back releases a bond once, of the purse it was withheld from', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const worker = workerAt(0);
  await farm.ledger.openTrial('trial');
  await farm.ledger.deposit('bank 1', 'payer', credits(100));
  for (const [requester, price] of [['trial', credits(2_000)], ['payer', credits(100)]] as const) {
    const job = await farm.work(requester, price, [worker]);
    await farm.ledger.payable(job, worker, 5_000n);
  }
  const earned = credits(2_100) * 975n / 1_000n;
  for (let visit = 1; visit <= 5; visit++) {
    farm.clock.advance(RETIRED_AFTER_MS);
    await farm.ledger.retire(worker, visit);
    await farm.ledger.retire(worker, visit);
    await farm.pass(1);
  }
  await farm.pass(24);
  expect(farm.ledgerStore.entries.filter(({ kind }) => kind === 'released')).toHaveLength(1);
  // All of it is paid in the end, and of what was given only by promotions.
  expect([farm.paid(), farm.promoted()]).toEqual([earned, credits(2_000) * 975n / 1_000n]);
  await expectBacked(farm);
});

it('audit farming: own auditors of own jobs share the fee that was paid; the pool\'s part is given', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  await farm.ledger.deposit('bank 1', 'both', credits(100));
  const auditors = workers(50, 100);
  const job = await farm.passedWork('both', credits(100), [workerAt(0)]);
  for (const auditor of auditors) await farm.audit(job, auditor, credits(100));
  expect([...(await farm.ledger.earned()).values()].reduce((sum, { payable }) => sum + payable, 0n)).toBe(credits(100));
  await farm.pass(30);
  expect(farm.paid()).toBeLessThanOrEqual(credits(100) + farm.promoted());
  expect(farm.promoted()).toBe(credits(50 * 100) - credits(100) * 25n / 1_000n);
  await expectBacked(farm);
});

it('refund farming: an answer that is kept and paid back makes nobody richer than what was paid in; its honest stages\' pay comes once', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  await farm.ledger.deposit('bank 1', 'both', credits(100));
  const partner = workerAt(0);
  let asked = 0;
  // A partner that passes, and a fresh identity that is convicted each time: the debit comes back, the partner keeps its credit.
  for (; asked < 40; asked++) {
    const balance = await farm.ledger.balance('both');
    const thrown = workerAt(1_000 + asked);
    const job = await farm.work('both', credits(100), [partner, thrown]);
    await farm.ledger.payable(job, partner, 0n);
    await farm.ledger.failed(job, [thrown]);
    expect(await farm.ledger.balance('both')).toBe(balance);
  }
  // Half of the deposit went to the partner, who sits at 40 halves; only that half is payable, and what the pool paid back is given.
  expect((await farm.ledger.earned()).get(partner)?.payable).toBeLessThanOrEqual(credits(100));
  await farm.pass(2);
  expect(farm.paid([partner])).toBeLessThanOrEqual(credits(100) + WORKER_CAP);
  expect(farm.paid()).toBeLessThanOrEqual(credits(100) + farm.promoted());
  await expectBacked(farm);
});

it('escrow farming: a budget whose first answer failed pays its workers what the contract pays in, however often it is answered again', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const escrow = '0x7a5';
  const partner = workerAt(0);
  await farm.ledger.escrowed(escrow, credits(100));
  const jobs: JobId[] = [];
  for (let again = 0; again < 4; again++) {
    const thrown = workerAt(1_000 + again);
    const job = await farm.work('both', credits(100), again === 3 ? [partner] : [partner, thrown], escrow);
    if (again < 3) await farm.ledger.failed(job, [thrown]);
    jobs.push(job);
  }
  // Workers are paid when the contract has settled (N5).
  for (const job of jobs) await farm.ledger.payable(job, partner, 0n);
  await farm.ledger.escrowSettled(escrow, 0n);
  expect((await farm.ledger.earned()).get(partner)?.payable).toBe((credits(100) * 975n) / 1_000n);
  await farm.pass(3);
  expect(farm.promoted()).toBe(3n * credits(50) - 3n * (credits(50) * 25n) / 1_000n);
  await expectBacked(farm);
});

it('replayed receipts: whatever is reported again, in any order and also after payment, books nothing and pays nothing', async () => {
  const farm = new Farm();
  await farm.ledger.start();
  const [a, b] = workers(2) as [NodeId, NodeId];
  await farm.ledger.deposit('bank 1', 'payer', credits(300));
  const job = await farm.passedWork('payer', credits(100), [a]);
  const other = await farm.work('payer', credits(100), [a, b]);
  await farm.ledger.failed(other, [b]);
  await farm.ledger.payable(other, a, 0n);
  await farm.audit(job, b, credits(1));
  await farm.pass(3);
  const [entries, paid] = [farm.ledgerStore.entries.length, farm.paid()];
  expect(paid).toBeGreaterThan(0n);
  for (let again = 0; again < 3; again++) {
    await farm.ledger.deposit('bank 1', 'payer', credits(300));
    await farm.ledger.hold(job, 'payer', credits(100));
    for (const worker of [a, b]) await farm.ledger.settle(job, { debit: credits(100), fee: 0n, credits: [{ worker, amount: credits(100) }] });
    for (const worker of [a, b]) await farm.ledger.payable(job, worker, 0n);
    await farm.ledger.failed(other, [b]);
    await farm.ledger.auditPaid('1'.padStart(32, 'a') as never, job, a, credits(1));
    await farm.pass(2);
  }
  expect([farm.ledgerStore.entries.length, farm.paid()]).toEqual([entries, paid]);
  await expectBacked(farm);
});

const amount = fc.integer({ min: 1, max: 3_000 });
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('trial' as const), by: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('deposit' as const), by: fc.nat(9), amount }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('ask' as const), by: fc.nat(9), amount, of: fc.uniqueArray(fc.nat(7), { minLength: 1, maxLength: 3 }), ending: fc.constantFrom('passed' as const, 'failed' as const, 'unpaid' as const, 'payable, then failed' as const), audits: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('leave' as const), who: fc.nat(7) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('hours' as const), hours: fc.integer({ min: 1, max: 12 }) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

it(`everything together, in any order: nothing is withdrawable beyond deposits and the promotions' caps (seed ${seed})`, async () => {
  let paid = 0n;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async (actions) => {
      const farm = new Farm();
      await farm.ledger.start();
      for (const [step, each] of actions.entries()) {
        if (each.type === 'trial') await farm.ledger.openTrial(`one-${each.by}`);
        else if (each.type === 'deposit') await farm.ledger.deposit(String(step), `one-${each.by}`, credits(each.amount));
        else if (each.type === 'leave') await farm.ledger.retire(workerAt(each.who), step);
        else if (each.type === 'hours') await farm.pass(each.hours);
        else await ask(farm, each);
        await expectBacked(farm);
      }
      farm.clock.advance(DAY_MS);
      await farm.pass(2);
      await expectBacked(farm);
      await verifyChain(farm.ledgerStore);
      paid += farm.paid();
    }),
    { seed, numRuns: 25 },
  );
  expect(paid).toBeGreaterThan(0n);
});

async function ask(farm: Farm, { by, amount: price, of, ending, audits }: Extract<Action, { readonly type: 'ask' }>): Promise<void> {
  const nodes = of.map(workerAt);
  const [first, ...others] = nodes as [NodeId, ...NodeId[]];
  const job = await farm.work(`one-${by}`, credits(price), nodes).catch(() => undefined);
  if (job === undefined) return;
  for (const worker of ending === 'passed' || ending === 'payable, then failed' ? nodes : others) await farm.ledger.payable(job, worker, 5_000n);
  if (ending === 'failed' || ending === 'payable, then failed') await farm.ledger.failed(job, [first]);
  if (ending === 'unpaid') await farm.ledger.unpaid(job, first);
  for (let audit = 0; audit < audits; audit++) await farm.audit(job, workerAt(20 + audit), credits(price));
}
