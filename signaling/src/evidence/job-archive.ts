import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';

/** A job when it is accepted. */
export interface OpenedJob {
  readonly job: JobId;
  /** Account that pays, and that alone may read the evidence. */
  readonly account: string;
  readonly modelId: HexHash;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** When text may be given out: as it comes, or once every stage was audited (PROTOCOL 7). */
  readonly assurance: 'stream' | 'checked';
  /** The job whose answer this one does again, because a stage of it failed its audit. */
  readonly corrects: JobId | null;
  /** The job whose answer this one goes on with, because a stage of it was lost (SPEC G2). At most one of the two is set. */
  readonly continues: JobId | null;
}

/** Why a job has no answer: code and message of the error the client was given. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
}

/** A job as kept. `text` is the whole answer: cut at a stop string, else the decoded ids. `decided`: nothing more follows from its audits. */
export type ArchivedJob =
  | (OpenedJob & { readonly state: 'running' })
  | (OpenedJob & { readonly state: 'failed'; readonly failure: JobFailure })
  | (OpenedJob & { readonly state: 'recorded'; readonly record: JobRecord; readonly text: string; readonly decided: boolean });

/** Port: the records of jobs. A job is opened once and then recorded or failed once; later calls for it change nothing. */
export interface JobArchive {
  /** Opening a job again changes nothing. */
  open(job: OpenedJob): Promise<void>;
  record(job: JobId, record: JobRecord, text: string): Promise<void>;
  fail(job: JobId, failure: JobFailure): Promise<void>;
  /** Jobs that are neither recorded nor failed. */
  running(): Promise<readonly JobId[]>;
  find(job: string): Promise<ArchivedJob | undefined>;
  /** The recorded job that does this one's answer again, if there is one. */
  correctionOf(job: string): Promise<JobId | undefined>;
  /** The recorded job that goes on with this one's answer, if there is one. */
  continuationOf(job: string): Promise<JobId | undefined>;
  /** Notes that every stage of a recorded job is decided, its audits included. */
  decided(job: JobId): Promise<void>;
  /** Recorded jobs that are not decided, oldest first: after a restart nobody audits them any more. */
  undecided(): Promise<readonly JobId[]>;
}
