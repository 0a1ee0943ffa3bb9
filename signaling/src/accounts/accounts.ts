import { createHash, randomBytes } from 'node:crypto';
import { AccountError } from './account-error.ts';
import { SCOPES } from './account-store.ts';
import { dayOf } from '../ledger/day.ts';
import { requireScope } from './caller.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AccountStore, Scope, StoredKey } from './account-store.ts';
import type { Caller } from './caller.ts';
import type { KeyWish } from './key-wish.ts';

/** Starts every API key, so that scanners for leaked secrets can recognise one. */
export const API_KEY_PREFIX = 'ciro-sk-';
/** Random bytes of a key: guessing one of 2^256 is out of reach, so a plain SHA-256 is enough to store it by. */
const API_KEY_BYTES = 32;
/** Random bytes of an account id, and of a key's. */
const ID_BYTES = 8;
const API_KEY = /^ciro-sk-[A-Za-z0-9_-]{43}$/;
/** Characters of a key's text that are kept to tell keys apart: of its 43 random ones four. */
const SHOWN_CHARACTERS = API_KEY_PREFIX.length + 4;
/** Keys of one account that are not revoked: one for each of many programs, and a list that one reply holds. */
export const MAX_KEYS = 100;
const NO_BUDGET = { total: null, daily: null } as const;

/** A new account with its only copy of the key. */
export interface OpenedAccount {
  readonly account: string;
  readonly key: string;
}

/** API keys and the accounts behind them (SPEC J1 to J4). */
export class Accounts {
  readonly #store: AccountStore;
  readonly #ledger: Pick<Ledger, 'openTrial'>;
  readonly #now: () => number;
  readonly #revoked: ((ids: readonly string[]) => void)[] = [];

  constructor(dependencies: { store: AccountStore; ledger: Pick<Ledger, 'openTrial'> }, options: { now: () => number }) {
    this.#store = dependencies.store;
    this.#ledger = dependencies.ledger;
    this.#now = options.now;
  }

  /** Opens an account with a trial allocation and one key that may do everything. Throws TrialError, and leaves no key, when the pool gives none. */
  async openTrial(): Promise<OpenedAccount> {
    const account = randomBytes(ID_BYTES).toString('hex');
    const made = this.#make(account, { name: 'trial', scopes: SCOPES, budget: NO_BUDGET, expiresAt: null });
    // The key first: a crash between the two leaves an empty account, never credits that no key can spend.
    await this.#store.addKey(made.stored);
    try {
      await this.#ledger.openTrial(account);
    } catch (error) {
      await this.#store.removeKey(made.stored.hash);
      throw error;
    }
    return { account, key: made.text };
  }

  /** Makes another key for the caller's account, which may do no more than the caller's own; its text is given this once. Throws `insufficient-scope`, `too-many-keys`. */
  async makeKey(caller: Caller, wish: KeyWish): Promise<{ readonly stored: StoredKey; readonly text: string }> {
    for (const scope of ['manage', ...wish.scopes] as const) requireScope(caller, scope);
    refuseMore(caller, wish);
    const keys = await this.#store.keysOf(caller.account);
    if (keys.length >= MAX_KEYS) throw new AccountError('too-many-keys', `the account has ${keys.length} keys, which is the most; revoke one first`, { fault: 'user' });
    const made = this.#make(caller.account, wish);
    await this.#store.addKey(made.stored);
    return made;
  }

  /** Keys of the caller's account that are not revoked. */
  async keys(caller: Caller): Promise<readonly StoredKey[]> {
    requireScope(caller, 'manage');
    return this.#store.keysOf(caller.account);
  }

  /** Revokes a key of the caller's account, and ends the answers that were asked by it. Throws `no-such-key`. */
  async revokeKey(caller: Caller, id: string): Promise<void> {
    requireScope(caller, 'manage');
    if (!(await this.#store.revokeKey(caller.account, id, this.#now()))) {
      throw new AccountError('no-such-key', `the account has no key ${id.slice(0, 2 * ID_BYTES)}, or it is revoked already; GET /v1/keys lists its keys`, { fault: 'user' });
    }
    for (const listener of this.#revoked) listener([id]);
  }

  /** Calls `listener` with the ids of keys that are revoked here. */
  onRevoked(listener: (ids: readonly string[]) => void): void {
    this.#revoked.push(listener);
  }

  /** Who shows an `Authorization: Bearer …` header; throws `missing-key`, `unknown-key`, `revoked-key` or `expired-key`. */
  async authenticate(authorization: string | undefined): Promise<Caller> {
    const text = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (text === undefined) {
      throw new AccountError('missing-key', 'no API key: send the header "Authorization: Bearer ciro-sk-…"; POST /v1/trial gives a key with trial credits', { fault: 'user' });
    }
    const found = API_KEY.test(text) ? await this.#store.keyOf(hashOf(text)) : undefined;
    if (found === undefined) throw new AccountError('unknown-key', 'the API key is not known here; POST /v1/trial gives a new one', { fault: 'user' });
    const { id, account, scopes, budget, shown, expiresAt, revokedAt, usedOn } = found;
    if (revokedAt !== null) throw new AccountError('revoked-key', `the API key ${shown}… was revoked; use another one of the account`, { fault: 'user' });
    const now = this.#now();
    if (expiresAt !== null && now >= expiresAt) throw new AccountError('expired-key', `the API key ${shown}… expired at ${new Date(expiresAt).toISOString()}; use another one of the account`, { fault: 'user' });
    const today = dayOf(now);
    if (usedOn !== today) await this.#store.usedKey(id, today);
    return { account, key: { id, scopes, budget, expiresAt } };
  }

  /** Who shows a header whose key may do this; throws as `authenticate` does, and `insufficient-scope`. */
  async allow(authorization: string | undefined, scope: Scope): Promise<Caller> {
    const caller = await this.authenticate(authorization);
    requireScope(caller, scope);
    return caller;
  }

  /** The account of a key text that opens it, undefined when none does. */
  async accountOf(text: string): Promise<string | undefined> {
    try {
      return (await this.authenticate(`Bearer ${text}`)).account;
    } catch (error) {
      if (error instanceof AccountError) return undefined;
      throw error;
    }
  }

  #make(account: string, { name, scopes, budget, expiresAt }: KeyWish): { readonly stored: StoredKey; readonly text: string } {
    const text = API_KEY_PREFIX + randomBytes(API_KEY_BYTES).toString('base64url');
    const id = randomBytes(ID_BYTES).toString('hex');
    return { text, stored: { id, hash: hashOf(text), account, name, shown: text.slice(0, SHOWN_CHARACTERS), scopes, budget, createdAt: this.#now(), expiresAt, revokedAt: null, usedOn: null } };
  }
}

/** A key that makes another one gives away nothing that it has not: neither time nor credits. Budgets of several would add up, so one with a budget makes none. */
function refuseMore({ key: { budget, expiresAt } }: Caller, wish: KeyWish): void {
  if (budget.total !== null || budget.daily !== null) throw new AccountError('insufficient-scope', 'a key with a budget makes no keys, whose budgets would add up to more; use a key of the account without one', { fault: 'user', fields: { scope: 'manage' } });
  if (expiresAt === null || (wish.expiresAt !== null && wish.expiresAt <= expiresAt)) return;
  throw new AccountError('bad-key', `this key expires at ${new Date(expiresAt).toISOString()}, and a key that it makes may not last longer; give an expires_at that is not later`, { fault: 'user', fields: { param: 'expires_at' } });
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
