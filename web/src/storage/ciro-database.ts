import { Dexie, type EntityTable, type Table } from 'dexie';
import type { Receipt } from '@ciro/core/receipt/receipt.ts';
import type { FinishedWork } from '../participant/work-store.ts';
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

/**
 * What Ciro keeps in this browser, in IndexedDB. Weights are not here (Cache Storage has them). Opening rejects where the
 * browser refuses storage; every reader and writer of ours goes on without.
 */
export class CiroDatabase extends Dexie {
  declare readonly keys: Table<StoredKeys & { readonly id: 'worker' }, string>;
  declare readonly receipts: EntityTable<StoredReceipt, 'hash'>;
  declare readonly work: EntityTable<FinishedWork, 'job'>;
  declare readonly settings: EntityTable<Setting, 'name'>;
  declare readonly chats: EntityTable<StoredChat, 'id'>;

  constructor() {
    super('ciro');
    this.version(1).stores({ keys: 'id', receipts: 'hash, keptAt, job', work: 'job, finishedAt', settings: 'name', chats: 'id, changedAt' });
  }
}
