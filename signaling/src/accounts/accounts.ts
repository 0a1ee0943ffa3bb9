import { createHash, randomBytes } from 'node:crypto';
import { CiroError } from '@ciro/core/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AccountStore } from './account-store.ts';

/** Starts every API key, so that scanners for leaked secrets can recognise one. */
export const API_KEY_PREFIX = 'ciro-sk-';
/** Random bytes of a key: guessing one of 2^256 is out of reach, so a plain SHA-256 is enough to store it by. */
const API_KEY_BYTES = 32;
/** Random bytes of an account id. */
const ACCOUNT_ID_BYTES = 8;
const API_KEY = /^ciro-sk-[A-Za-z0-9_-]{43}$/;

export class AccountError extends CiroError<'missing-key' | 'unknown-key'> {}

/** A new account with its only copy of the key. */
export interface OpenedAccount {
  readonly account: string;
  readonly key: string;
}

/** API keys and the accounts behind them. */
export class Accounts {
  readonly #store: AccountStore;
  readonly #ledger: Ledger;
  readonly #now: () => number;

  constructor(dependencies: { store: AccountStore; ledger: Ledger }, options: { now: () => number }) {
    this.#store = dependencies.store;
    this.#ledger = dependencies.ledger;
    this.#now = options.now;
  }

  /** Opens an account with a trial allocation and one key. Throws TrialError, and leaves no key, when the pool gives none. */
  async openTrial(): Promise<OpenedAccount> {
    const key = API_KEY_PREFIX + randomBytes(API_KEY_BYTES).toString('base64url');
    const account = randomBytes(ACCOUNT_ID_BYTES).toString('hex');
    const hash = hashOf(key);
    // The key first: a crash between the two leaves an empty account, never credits that no key can spend.
    await this.#store.addKey({ hash, account, createdAt: this.#now() });
    try {
      await this.#ledger.openTrial(account);
    } catch (error) {
      await this.#store.removeKey(hash);
      throw error;
    }
    return { account, key };
  }

  /** The account behind an `Authorization: Bearer …` header; throws `missing-key` or `unknown-key`. */
  async authenticate(authorization: string | undefined): Promise<string> {
    const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) {
      throw new AccountError('missing-key', 'no API key: send the header "Authorization: Bearer ciro-sk-…"; POST /v1/trial gives a key with trial credits', { fault: 'user' });
    }
    const account = await this.accountOf(key);
    if (account === undefined) throw new AccountError('unknown-key', 'the API key is not known here; POST /v1/trial gives a new one', { fault: 'user' });
    return account;
  }

  /** The account of a key text, undefined when there is none. */
  async accountOf(key: string): Promise<string | undefined> {
    return API_KEY.test(key) ? this.#store.accountOfKey(hashOf(key)) : undefined;
  }
}

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
