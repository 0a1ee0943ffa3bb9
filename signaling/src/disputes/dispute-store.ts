import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Ruling } from './court-port.ts';

/** A stage of a job that a quorum of audits failed. */
export interface Conviction {
  readonly job: JobId;
  readonly stage: number;
  readonly worker: NodeId;
}

/**
 * `noted`: its case is to be opened. `unopened`: none will be, `note` says why. `opened`: the court has it. `ruled`: what follows is not
 * booked yet. `closed`: everything is.
 */
export type DisputeState = 'noted' | 'unopened' | 'opened' | 'ruled' | 'closed';

/** Where a dispute stands. */
export interface DisputeStatus {
  readonly state: DisputeState;
  /** For a person; empty where nothing is to be said. */
  readonly note: string;
  /** Block before which no case of ours was sent; null before the first attempt. */
  readonly fromBlock: number | null;
  /** Last transaction that was sent about it. */
  readonly transaction: string | null;
  readonly caseId: number | null;
  readonly ruling: Ruling | null;
}

export interface Dispute extends Conviction, DisputeStatus {
  /** Epoch milliseconds. */
  readonly notedAt: number;
  /** Name of the case file; null where none could be made. */
  readonly hash: HexHash | null;
  /** What the court is told (SPEC Q1): 0x hex. Null without a file. */
  readonly accused: string | null;
  readonly ref: string | null;
  readonly evidence: string | null;
}

/** Port: disputes and their case files, for ever. Every call is stored whole or not at all. */
export interface DisputeStore {
  /** Convictions that nothing is noted about, oldest first. */
  unnoted(limit: number): Promise<readonly Conviction[]>;
  /** Keeps a dispute with the text of its case file; one a conviction, the first. */
  note(dispute: Dispute, text: string | null): Promise<void>;
  /** One that is `unopened` loses its file: nobody will need it. */
  mark(of: Pick<Conviction, 'job' | 'stage'>, status: DisputeStatus): Promise<void>;
  /** All that are `noted`, `opened` or `ruled`, oldest first. */
  active(): Promise<readonly Dispute[]>;
  /** Newest first. */
  list(limit: number): Promise<readonly Dispute[]>;
  /** By the name of its file, or by that as the court keeps it (0x hex). */
  find(name: string): Promise<Dispute | undefined>;
  text(hash: HexHash): Promise<string | undefined>;
  /** Convictions of the same worker, without this one and those that a vote of the court set aside. */
  otherConvictions(of: Conviction): Promise<number>;
}

/** A ruling that sets a conviction aside: a vote, not a time that ran out (SPEC Q4). */
export const isAcquittal = (ruling: Pick<Ruling, 'guilty' | 'byTimeout'> | null): boolean => ruling !== null && !ruling.guilty && !ruling.byTimeout;
