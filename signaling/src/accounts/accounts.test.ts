import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { Ledger, TRIAL_DAILY_CAP_CREDITS } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { Accounts, MAX_KEYS } from './accounts.ts';
import { parseKeyWish } from './key-wish.ts';
import { MemoryAccountStore } from './memory-account-store.fixture.ts';
import { operatorKey } from './operator-key.ts';
import type { JobId } from '@ciro/core/ids.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;

async function setup() {
  const store = new MemoryAccountStore();
  const stored = store.keys;
  const clock = { now: 1_000 };
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  await ledger.start();
  const accounts = new Accounts({ store, ledger }, { now: () => clock.now });
  const kept = { text: undefined as string | undefined, read: async () => kept.text, write: async (text: string) => void (kept.text = text) };
  const useUpTrials = async (): Promise<void> => {
    for (let n = 0n; n < TRIAL_DAILY_CAP_CREDITS / TRIAL_CREDITS; n++) await ledger.openTrial(`other-${n}`).catch(() => undefined);
  };
  return { stored, clock, ledger, accounts, kept, useUpTrials, start: () => operatorKey({ accounts, ledger, kept }) };
}

it('a trial gives a key of 256 random bits, of which only the hash is kept', async () => {
  const { stored, ledger, accounts } = await setup();
  const { key, account } = await accounts.openTrial();
  expect(key).toMatch(/^ciro-sk-[A-Za-z0-9_-]{43}$/);
  expect([...stored]).toEqual([[createHash('sha256').update(key).digest('hex'), expect.objectContaining({ account, shown: key.slice(0, 12), scopes: ['ask', 'read', 'manage'], createdAt: 1_000 })]]);
  expect(JSON.stringify([...stored])).not.toContain(key.slice(12));
  expect(await ledger.balance(account)).toBe(TRIAL);
  expect(await accounts.authenticate(`Bearer ${key}`)).toMatchObject({ account, key: { scopes: ['ask', 'read', 'manage'] } });
  expect((await accounts.authenticate(`bearer  ${key}`)).account).toBe(account);
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
  await ledger.hold('1'.repeat(32) as JobId, (await accounts.authenticate(`Bearer ${first}`)).account, TRIAL - BASE_UNITS_PER_CREDIT);
  expect(await start()).not.toBe(first);
});

it('a start whose key is used up keeps it when no trial is to be had, rather than not starting', async () => {
  const { accounts, ledger, start, useUpTrials } = await setup();
  const first = await start();
  await ledger.hold('1'.repeat(32) as JobId, (await accounts.authenticate(`Bearer ${first}`)).account, TRIAL);
  await useUpTrials();
  expect(await start()).toBe(first);
});

it('a kept key of another database is replaced', async () => {
  const { kept, start } = await setup();
  kept.text = `ciro-sk-${'B'.repeat(43)}\n`;
  expect(await start()).not.toBe(kept.text.trim() === '' ? '' : `ciro-sk-${'B'.repeat(43)}`);
});

it('J2: a key makes others that may do no more than itself, until the account has too many', async () => {
  const { accounts } = await setup();
  const owner = await accounts.authenticate(`Bearer ${(await accounts.openTrial()).key}`);
  const manager = await accounts.makeKey(owner, parseKeyWish({ name: 'manager', scopes: ['manage', 'read'] }, 0));
  const by = await accounts.authenticate(`Bearer ${manager.text}`);
  await expect(accounts.makeKey(by, parseKeyWish({ name: 'asks', scopes: ['ask'] }, 0))).rejects.toMatchObject({ code: 'insufficient-scope', fields: { scope: 'ask' } });
  const reader = await accounts.authenticate(`Bearer ${(await accounts.makeKey(by, parseKeyWish({ name: 'reads', scopes: ['read'] }, 0))).text}`);
  for (const act of [() => accounts.keys(reader), () => accounts.makeKey(reader, parseKeyWish({ name: 'x' }, 0)), () => accounts.revokeKey(reader, owner.key.id)]) await expect(act()).rejects.toMatchObject({ code: 'insufficient-scope' });
  expect((await accounts.keys(by)).map(({ name }) => name)).toEqual(['trial', 'manager', 'reads']);
  for (let n = 3; n < MAX_KEYS; n++) await accounts.makeKey(owner, parseKeyWish({ name: `key ${n}` }, 0));
  await expect(accounts.makeKey(owner, parseKeyWish({ name: 'one more' }, 0))).rejects.toMatchObject({ code: 'too-many-keys' });
});

it('J4: a key that is revoked or expired opens nothing, and who listens hears of it at once; one of another account cannot be revoked', async () => {
  const { accounts, clock } = await setup();
  const owner = await accounts.authenticate(`Bearer ${(await accounts.openTrial()).key}`);
  const other = await accounts.authenticate(`Bearer ${(await accounts.openTrial()).key}`);
  const heard: string[] = [];
  accounts.onRevoked((ids) => heard.push(...ids));
  const made = await accounts.makeKey(owner, parseKeyWish({ name: 'a' }, 0));
  await expect(accounts.revokeKey(other, made.stored.id)).rejects.toMatchObject({ code: 'no-such-key' });
  expect((await accounts.authenticate(`Bearer ${made.text}`)).account).toBe(owner.account);
  await accounts.revokeKey(owner, made.stored.id);
  await expect(accounts.authenticate(`Bearer ${made.text}`)).rejects.toMatchObject({ code: 'revoked-key', message: expect.not.stringContaining(made.text.slice(12)) });
  expect(heard).toEqual([made.stored.id]);
  const short = await accounts.makeKey(owner, parseKeyWish({ name: 'b', expires_at: '1970-01-01T00:00:02Z' }, 0));
  clock.now = 1_999;
  expect((await accounts.authenticate(`Bearer ${short.text}`)).key.id).toBe(short.stored.id);
  clock.now = 2_000;
  await expect(accounts.authenticate(`Bearer ${short.text}`)).rejects.toMatchObject({ code: 'expired-key' });
});

it('J2: the day of a key\'s last use is noted once a day', async () => {
  const { accounts, clock, stored } = await setup();
  const { key } = await accounts.openTrial();
  const usedOn = () => [...stored.values()][0]?.usedOn;
  expect(usedOn()).toBe(null);
  clock.now = 86_400_000 + 7;
  await accounts.authenticate(`Bearer ${key}`);
  expect(usedOn()).toBe(86_400_000);
});

it('J2: a key with a budget makes no keys, and one that expires makes none that lasts longer', async () => {
  const { accounts } = await setup();
  const owner = await accounts.authenticate(`Bearer ${(await accounts.openTrial()).key}`);
  const made = async (body: object) => accounts.authenticate(`Bearer ${(await accounts.makeKey(owner, parseKeyWish({ name: 'a', scopes: ['manage', 'ask'], ...body }, 0))).text}`);
  for (const budget of [{ total: '1' }, { daily: '1' }]) await expect(accounts.makeKey(await made({ budget }), parseKeyWish({ name: 'b', scopes: ['ask'] }, 0))).rejects.toMatchObject({ code: 'insufficient-scope' });
  const expiring = await made({ expires_at: '1970-01-02T00:00:00Z' });
  for (const wish of [{ name: 'b', scopes: ['ask'] }, { name: 'b', scopes: ['ask'], expires_at: '1970-01-02T00:00:01Z' }]) await expect(accounts.makeKey(expiring, parseKeyWish(wish, 0))).rejects.toMatchObject({ code: 'bad-key', fields: { param: 'expires_at' } });
  expect((await accounts.makeKey(expiring, parseKeyWish({ name: 'b', scopes: ['ask'], expires_at: '1970-01-02T00:00:00Z' }, 0))).stored.expiresAt).toBe(86_400_000);
});
