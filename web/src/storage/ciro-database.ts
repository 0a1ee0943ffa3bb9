import { Dexie, type EntityTable, type Table } from 'dexie';
import type { Receipt } from '@ciro/core/receipt/receipt.ts';
import type { KeptAlarm } from '../participant/watch-store.ts';
import type { FinishedWork } from '../participant/work-store.ts';
import type { Payout } from '../wallet/claim-ports.ts';
import type { StoredKeys } from '../wallet/key-store.ts';

/** A receipt as kept: the worker's own copy of what it will be paid for. */
export interface StoredReceipt {
  /** receiptHash of the body: the same receipt is kept once. */
  readonly hash: string;
  readonly job: string;
  /** Epoch milliseconds. */
  readonly keptAt: number;
  readonly receipt: Receipt;
}

/** Anything small by name: caps, the trial key, measured speed. Whoever reads it checks it. */
export interface Setting {
  readonly name: string;
  readonly value: unknown;
}

/** A conversation; `value` is checked by whoever reads it. */
export interface StoredChat {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly changedAt: number;
  readonly value: unknown;
}

/** An alarm about the coordinator; numbered in the order in which they came. */
export interface StoredAlarm extends KeptAlarm {
  readonly id: number;
}

/** A payout that an account of this browser claimed. */
export type StoredPayout = Payout & { readonly account: string };

/** The newest ledger head of one coordinator; `head` is checked by whoever reads it. */
export interface StoredHead {
  /** Its public key. */
  readonly coordinator: string;
  readonly head: unknown;
}

/**
 * What Ciro keeps in this browser, in IndexedDB. Weights are not here (Cache Storage has them). Opening rejects where the
 * browser refuses storage; every reader and writer of ours goes on without.
 */
export class CiroDatabase extends Dexie {
  declare readonly keys: Table<StoredKeys & { readonly id: string }, string>;
  declare readonly receipts: EntityTable<StoredReceipt, 'hash'>;
  declare readonly work: EntityTable<FinishedWork, 'job'>;
  declare readonly settings: EntityTable<Setting, 'name'>;
  declare readonly chats: EntityTable<StoredChat, 'id'>;
  declare readonly alarms: EntityTable<StoredAlarm, 'id'>;
  declare readonly heads: EntityTable<StoredHead, 'coordinator'>;
  declare readonly payouts: EntityTable<StoredPayout, 'transaction'>;

  constructor() {
    super('ciro');
    this.version(1).stores({ keys: 'id', receipts: 'hash, keptAt, job', work: 'job, finishedAt', settings: 'name', chats: 'id, changedAt' });
    this.version(2).stores({ alarms: '++id', heads: 'coordinator' });
    this.version(3).stores({ payouts: 'transaction, account' });
  }
}
