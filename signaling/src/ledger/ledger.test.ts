import { expect, it, vi } from 'vitest';
import { replay } from '@ciro/core/ledger/entry.ts';
import { checkLinks } from '@ciro/core/ledger/head.ts';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { Ledger, MAX_LINKS, POOL_CREDITS, TRIAL_DAILY_CAP_CREDITS } from './ledger.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import { verifyChain } from './verify-chain.ts';
import type { JobId } from '@ciro/core/ids.ts';

const job = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const DAY_MS = 86_400_000;

async function setup() {
  const clock = { now: 10 * DAY_MS + 5 };
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => clock.now });
  await ledger.start();
  await ledger.openTrial('ada');
  return { clock, store, ledger };
}

it('issues the pool once, however often the coordinator starts (SPEC M6)', async () => {
  const { store, ledger } = await setup();
  await ledger.start();
  const pool = POOL_CREDITS * BASE_UNITS_PER_CREDIT;
  expect(await store.allBalances()).toEqual(new Map([['issued', -pool], ['pool', pool - TRIAL], ['requester:ada', TRIAL]]));
});

it('refuses a hold past the balance, saying what there is and what is needed', async () => {
  const { ledger } = await setup();
  await expect(ledger.hold(job(1), 'ada', TRIAL + 1n)).rejects.toMatchObject({ code: 'insufficient', fields: { balance: String(TRIAL), needed: String(TRIAL + 1n) } });
  await expect(ledger.hold(job(1), 'ada', TRIAL)).resolves.toMatchObject({ kind: 'hold' });
  await expect(ledger.hold(job(2), 'ada', 1n)).rejects.toMatchInlineSnapshot(`[LedgerError: this request may cost up to 0 credits and the account holds 0; lower max_tokens or top up]`);
});

it('refuses a hold of nothing and a charge with a negative part', async () => {
  const { ledger } = await setup();
  await expect(ledger.hold(job(1), 'ada', 0n)).rejects.toThrow(RangeError);
  await expect(ledger.hold(job(1), 'ada', -5n)).rejects.toThrow(RangeError);
  await ledger.hold(job(1), 'ada', 100n);
  await expect(ledger.settle(job(1), { debit: 5n, fee: 10n, credits: [{ worker: 'w', amount: -5n }] })).rejects.toThrow(RangeError);
  await expect(ledger.settle(job(1), { debit: 5n, fee: 1n, credits: [{ worker: 'w', amount: 5n }] })).rejects.toMatchObject({ code: 'unbalanced' });
  await expect(ledger.settle(job(1), { debit: 101n, fee: 101n, credits: [] })).rejects.toMatchObject({ code: 'insufficient' });
});

it('settles a hold in one entry: credits, fee and the rest back, and only once (SPEC M5)', async () => {
  const { store, ledger } = await setup();
  await ledger.hold(job(1), 'ada', 100n);
  const charge = { debit: 60n, fee: 2n, credits: [{ worker: 'a', amount: 30n }, { worker: 'b', amount: 28n }] };
  const entry = await ledger.settle(job(1), charge);
  expect(entry.lines).toEqual([
    { account: `hold:${job(1)}`, amount: -100n },
    { account: 'worker:a:pending', amount: 30n },
    { account: 'worker:b:pending', amount: 28n },
    { account: 'fee', amount: 2n },
    { account: 'requester:ada', amount: 40n },
  ]);
  expect(await ledger.settle(job(1), charge)).toEqual(entry);
  expect(await ledger.release(job(1))).toEqual(entry);
  expect(await ledger.balance('ada')).toBe(TRIAL - 60n);
  expect(store.entries.filter((booked) => booked.job === job(1))).toHaveLength(2);
});

it('a released hold cannot be charged any more, and what was never held cannot be closed', async () => {
  const { ledger } = await setup();
  await ledger.hold(job(1), 'ada', 100n);
  await ledger.release(job(1));
  await expect(ledger.settle(job(1), { debit: 1n, fee: 1n, credits: [] })).rejects.toMatchObject({ code: 'unknown-hold' });
  await expect(ledger.release(job(2))).rejects.toMatchObject({ code: 'unknown-hold' });
  expect(await ledger.balance('ada')).toBe(TRIAL);
});

it('the pool gives out so many trials a UTC day and no more, and opens again the next day (PROTOCOL 7)', async () => {
  const { clock, ledger } = await setup();
  const perDay = Number(TRIAL_DAILY_CAP_CREDITS / TRIAL_CREDITS);
  for (let n = 1; n < perDay; n++) await ledger.openTrial(`account-${n}`);
  await expect(ledger.openTrial('late')).rejects.toMatchObject({ code: 'daily-cap', fields: { retryAfterMs: DAY_MS - 5 } });
  clock.now += DAY_MS;
  await expect(ledger.openTrial('late')).resolves.toMatchObject({ kind: 'trial' });
});

it('names the holds that are still open', async () => {
  const { ledger } = await setup();
  for (const n of [1, 2, 3]) await ledger.hold(job(n), 'ada', 100n);
  await ledger.settle(job(2), { debit: 0n, fee: 0n, credits: [] });
  await ledger.release(job(3));
  expect(await ledger.openHolds()).toEqual([job(1)]);
});

it('B1, B2: the head is the last entry, and links lead to it from any earlier one, so many at a time', async () => {
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => DAY_MS });
  expect(await ledger.head()).toBeUndefined();
  await ledger.start();
  const first = await ledger.head();
  await ledger.openTrial('ada');
  for (const n of [1, 2, 3]) await ledger.hold(job(n), 'ada', 100n);
  const head = await ledger.head();
  expect([first?.sequence, head]).toEqual([0, { sequence: 4, hash: store.entries[4]?.hash }]);
  if (first === undefined || head === undefined) throw new Error('no head');
  const links = await ledger.links(0, 4);
  expect(checkLinks(first, head, links)).toBeNull();
  expect(links).toHaveLength(4);
  expect(await ledger.links(1, 3)).toEqual(links.slice(1, 3));
  expect([await ledger.links(4, 4), await ledger.links(4, 2), await ledger.links(2, 50)]).toEqual([[], [], links.slice(2)]);
  const asked = vi.spyOn(store, 'entriesFrom');
  await ledger.links(0, 1e9);
  expect(asked).toHaveBeenCalledWith(1, MAX_LINKS);
});

it('verification finds a changed amount, a removed entry and a wrong balance (SPEC M4)', async () => {
  const { store, ledger } = await setup();
  await ledger.hold(job(1), 'ada', 100n);
  await ledger.release(job(1));
  expect((await verifyChain(store)).sequence).toBe(4);
  expect(replay(store.entries).get('requester:ada')).toBe(TRIAL);

  const entries = [...store.entries];
  const held = entries[2];
  if (held === undefined) throw new Error('no hold entry');
  store.entries[2] = { ...held, lines: held.lines.map(({ account, amount }) => ({ account, amount: amount * 2n })) };
  await expect(verifyChain(store)).rejects.toMatchObject({ code: 'broken-chain', fields: { sequence: 2 } });
  store.entries.splice(0, 4, ...entries.filter((_, index) => index !== 2));
  await expect(verifyChain(store)).rejects.toMatchObject({ code: 'broken-chain', fields: { sequence: 2 } });
  store.entries.splice(0, 3, ...entries.slice(0, 3));
  await expect(verifyChain(store)).rejects.toMatchObject({ code: 'broken-chain', fields: { account: 'requester:ada' } });
});
