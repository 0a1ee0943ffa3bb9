import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { PerformanceData, PerformanceDraft } from '@ciro/core/settlement/performance.ts';

/** Performance of an epoch as the pool keeps it. */
export type RecordedPerformance = Pick<PerformanceData, 'root' | 'count' | 'depth'>;

/** Port: one pool on one chain, with the settler's key. Recording the same epoch twice changes nothing, nor does touching a worker twice in a second. */
export interface PerformancePort {
  readonly chainId: string;
  readonly pool: string;
  /** Undefined when the pool has none of that epoch. */
  recorded(epoch: number): Promise<RecordedPerformance | undefined>;
  /** Sends it; gives the transaction's hash, without waiting for a block. */
  record(performance: Pick<PerformanceData, 'epoch' | 'root' | 'count' | 'depth'>): Promise<string>;
  /** When the pool saw each worker last, Unix seconds; null for those that are not registered there. */
  lastSeen(workers: readonly string[]): Promise<readonly (number | null)[]>;
  /** Says that these workers are there now. */
  touch(workers: readonly string[]): Promise<string>;
  /** Seconds without a sign of life after which a worker is inactive. */
  inactiveAfter(): Promise<number>;
  /** Unix seconds of the newest block. */
  time(): Promise<number>;
}

/** An epoch's performance and where it stands. */
export interface StoredPerformance {
  readonly data: PerformanceData;
  /** Of the transaction that posted it last, and when that was sent (epoch milliseconds); null before. */
  readonly transaction: string | null;
  readonly postedAt: number | null;
}

/** Port: the durable outbox of performance. It is emptied when a new book of epochs is opened (SPEC X10). */
export interface PerformanceStore {
  newest(): Promise<StoredPerformance | undefined>;
  find(epoch: number): Promise<StoredPerformance | undefined>;
  /** Keeps it, not posted yet; drops those of epochs up to `dropTo`. One that is there already stays as it is. */
  add(data: PerformanceData, dropTo: number): Promise<void>;
  mark(epoch: number, transaction: string, postedAt: number): Promise<void>;
}

/** What the coordinator knows of a worker's conduct. */
export interface WorkerFigures {
  readonly node: NodeId;
  readonly jobs: number;
  readonly auditsPassed: number;
  readonly auditsFailed: number;
  /** Epoch milliseconds. */
  readonly lastSeen: number;
}

/** Port: figures of the workers that were seen last, newest first. */
export type FiguresPort = (limit: number) => Promise<readonly WorkerFigures[]>;

/** Port: hashes the tree of an epoch's performance, where it keeps nobody waiting. */
export type PerformanceGrower = (draft: Omit<PerformanceDraft, 'count'>) => Promise<EpochTree>;
