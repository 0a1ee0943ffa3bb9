import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { Ledger, TRIAL_DAILY_CAP_CREDITS } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { Accounts } from './accounts.ts';
import { operatorKey } from './operator-key.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { StoredKey } from './account-store.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;

async function setup() {
  const stored = new Map<string, StoredKey>();
  const store = {
    addKey: async (key: StoredKey) => void stored.set(key.hash, key),
    removeKey: async (hash: string) => void stored.delete(hash),
    accountOfKey: async (hash: string) => stored.get(hash)?.account,
  };
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  await ledger.start();
  const accounts = new Accounts({ store, ledger }, { now: () => 1_000 });
  const kept = { text: undefined as string | undefined, read: async () => kept.text, write: async (text: string) => void (kept.text = text) };
  const useUpTrials = async (): Promise<void> => {
    for (let n = 0n; n < TRIAL_DAILY_CAP_CREDITS / TRIAL_CREDITS; n++) await ledger.openTrial(`other-${n}`).catch(() => undefined);
  };
  return { stored, ledger, accounts, kept, useUpTrials, start: () => operatorKey({ accounts, ledger, kept }) };
}

it('a trial gives a key of 256 random bits, of which only the hash is kept', async () => {
  const { stored, ledger, accounts } = await setup();
  const { key, account } = await accounts.openTrial();
  expect(key).toMatch(/^ciro-sk-[A-Za-z0-9_-]{43}$/);
  expect([...stored]).toEqual([[createHash('sha256').update(key).digest('hex'), { hash: expect.any(String), account, createdAt: 1_000 }]]);
  expect(await ledger.balance(account)).toBe(TRIAL);
  expect(await accounts.authenticate(`Bearer ${key}`)).toBe(account);
  expect(await accounts.authenticate(`bearer  ${key}`)).toBe(account);
});

it('leaves no key when the pool gives no trial', async () => {
  const { stored, accounts, useUpTrials } = await setup();
  await useUpTrials();
  await expect(accounts.openTrial()).rejects.toMatchObject({ code: 'daily-cap' });
  expect(stored.size).toBe(0);
});

it('a key that is missing or unknown is refused, and never repeated in the message', async () => {
  const { accounts } = await setup();
  const foreign = `sk-proj-${'x'.repeat(40)}`;
  for (const header of [undefined, '', 'Bearer ', 'Basic abc']) await expect(accounts.authenticate(header)).rejects.toMatchObject({ code: 'missing-key' });
  for (const key of [foreign, `ciro-sk-${'A'.repeat(43)}`, `ciro-sk-${'A'.repeat(44)}`]) await expect(accounts.authenticate(`Bearer ${key}`)).rejects.toMatchObject({ code: 'unknown-key', message: expect.not.stringContaining(key.slice(8, 20)) });
});

it('a start prints the same key as the last one while it has credits', async () => {
  const { accounts, ledger, kept, start } = await setup();
  const first = await start();
  expect(kept.text).toBe(`${first}\n`);
  expect(await start()).toBe(first);
  await ledger.hold('1'.repeat(32) as JobId, await accounts.authenticate(`Bearer ${first}`), TRIAL - BASE_UNITS_PER_CREDIT);
  expect(await start()).not.toBe(first);
});

it('a start whose key is used up keeps it when no trial is to be had, rather than not starting', async () => {
  const { accounts, ledger, start, useUpTrials } = await setup();
  const first = await start();
  await ledger.hold('1'.repeat(32) as JobId, await accounts.authenticate(`Bearer ${first}`), TRIAL);
  await useUpTrials();
  expect(await start()).toBe(first);
});

it('a kept key of another database is replaced', async () => {
  const { kept, start } = await setup();
  kept.text = `ciro-sk-${'B'.repeat(43)}\n`;
  expect(await start()).not.toBe(kept.text.trim() === '' ? '' : `ciro-sk-${'B'.repeat(43)}`);
});
