import type { Receipt } from '@ciro/core/receipt/receipt.ts';
import type { JobWork } from './work-meter.ts';

/** A job this tab worked on, as kept in its history. */
export interface FinishedWork extends JobWork {
  /** Epoch milliseconds. */
  readonly finishedAt: number;
  readonly reason: 'stop' | 'length' | 'cancelled' | 'moved' | 'failed';
  /** Base units as a decimal string, and where they stand; null until the coordinator says. */
  readonly credit: { readonly amount: string; readonly status: 'pending' | 'payable' | 'void' } | null;
}

/** Port: what this tab keeps of its work. A browser may refuse storage; callers then go on without. */
export interface WorkStore {
  keepReceipt(receipt: Receipt): Promise<void>;
  keepWork(work: FinishedWork): Promise<void>;
  /** The coordinator's word on the credit of a finished job. */
  keepCredit(job: string, credit: FinishedWork['credit']): Promise<void>;
  /** Newest first. */
  recent(count: number): Promise<FinishedWork[]>;
}
