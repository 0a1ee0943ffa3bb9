import type { JobRoot } from '@ciro/core/identity/identity.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { BatchRow, RunOptions } from '@ciro/core/model/stage-runner.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';
import type { StageError } from './stage-error.ts';

/** What a run gives: rows [count, d] (final-norm rows on the last stage) and, if asked, logits of the last position or of all, [count, vocabulary]. `computeMs` of a run for several jobs is each one's equal share. */
export interface StageRun {
  readonly rows: Float32Array;
  readonly logits?: Float32Array;
  readonly computeMs: number;
}

/** The engine, loaded with this worker's layers. Runs are never overlapped by the pipeline. */
export interface StageEnginePort {
  readonly provider: 'wasm' | 'webgpu';
  /** Bytes held now and at most: weights and KV caches. */
  readonly heldBytes: number;
  readonly peakBytes: number;
  /** `heldBytes` once the caches of open jobs are as large as they may become. */
  readonly promisedBytes: number;
  openJob(jobKey: string, maxPositions: number): void;
  closeJob(jobKey: string): void;
  /** Gives the first `length` positions of a job's cache to another job, which has room for `maxPositions`, and closes the first; the same key makes a cache smaller. Throws when it holds fewer. */
  handOver(fromKey: string, toKey: string, length: number, maxPositions: number): void;
  /** Bytes of a job's cache now. */
  cacheBytes(jobKey: string): number;
  /** `input`: ids for a stage that embeds, else rows [count, d]. */
  run(jobKey: string, position: number, input: Uint32Array | Float32Array, count: number, options: RunOptions): Promise<StageRun>;
  /** Forgets the positions of a job from `length` on: rejected drafts. Throws when it holds fewer. */
  truncate(jobKey: string, length: number): void;
  /** The next positions of several jobs in one run, in the order given. When it fails every job is as it was and can be run alone. */
  runBatch(batch: readonly BatchRow[]): Promise<readonly StageRun[]>;
  /** Bytes beyond `promisedBytes` that such a run would hold; undefined when these jobs are better run alone. */
  batchBytes(jobKeys: readonly string[]): number | undefined;
  /** Gives back what such runs hold beside the caches; the next one takes it again. */
  releaseBatch(): void;
}

/** The layers this worker holds and what it needs to know of their model. */
export interface HeldStage {
  readonly engine: StageEnginePort;
  readonly modelId: HexHash;
  readonly architecture: Architecture;
  readonly shape: StageShape;
  readonly calibration: CalibrationTable;
}

/** Who this worker is; from the page, the challenge and the welcome. */
export interface StageIdentity {
  readonly network: string;
  readonly nodeId: NodeId;
  readonly devicePublicKey: string;
  readonly coordinatorPublicKey: string;
  /** Weights, KV caches and retained rows may hold this much. */
  readonly memoryBudgetBytes: number;
  /** Jobs that one run may be for; 1 computes each alone. MAX_BATCH_JOBS when absent. */
  readonly maxBatchJobs?: number;
  /** Ids that the first stage drafts for one lap; 0 drafts none. MAX_DRAFTS when absent. */
  readonly maxDrafts?: number;
}

/** What a worker's stages generated so far. */
export interface Generated {
  /** Generated positions computed, drafts that were rejected included. */
  readonly positions: number;
  /** Of these, in runs of several jobs. */
  readonly batched: number;
  /** Ids that this worker drafted as a first stage, and how many of them came true. */
  readonly drafted: number;
  readonly accepted: number;
}

/** What a stage tells the coordinator. */
export type StageMessage = Extract<
  WorkerMessage,
  { type: 'prepared' | 'stage-refused' | 'token' | 'unit' | 'acknowledge' | 'disagree' | 'root' | 'fault' | 'nonces' | 'nonce' | 'supply-refused' }
>;

/** What this worker learns that its credit must be at least worth (SPEC B3). */
export interface CreditWitness {
  /** A plan was taken on. */
  planned(signed: SignedPlan, stage: number): void;
  /** This worker signed a unit. */
  committed(receipt: Receipt): void;
  /** The neighbour acknowledged that unit; its signature was checked. */
  acknowledged(receipt: Receipt, acknowledgement: Acknowledgement): void;
  /** The coordinator ended the job here. */
  finished(job: JobId, acceptedTo: number): void;
}

/** Everything the pipeline needs from outside. */
export interface StagePorts {
  send(message: StageMessage): void;
  /** Part of an upload; resolves when the control connection has room for the next. False when it is gone. */
  sendPiece(message: Extract<WorkerMessage, { type: 'piece' }>): Promise<boolean>;
  /** Hands a frame to the neighbour's link, which takes the buffer. False when there is no such link. */
  sendFrame(peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean;
  hasLink(peer: NodeId): boolean;
  /** SHA-256, by the platform. */
  digest(bytes: Uint8Array): Promise<Uint8Array>;
  /** Signature of the device key over SHA-256 of the bytes; 64 bytes P1363, hex. */
  sign(bytes: Uint8Array): Promise<string>;
  /** True when the P-256 key made this signature; false on anything malformed. */
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  signRoot(root: JobRoot): Promise<string>;
  /** `bytes` unpredictable bytes, hex. */
  randomHex(bytes: number): string;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after what already waits in the event loop had its turn: frames before signatures, control messages between runs. */
  turn(): Promise<void>;
  /** Resolves after `milliseconds`, or later: hidden tabs may be held back to one timer a second. */
  wait(milliseconds: number): Promise<void>;
  readonly credit: CreditWitness;
  /** A neighbour's signed ledger head, as it came. Throws StageError `bad-head` for one that is none. */
  head(peer: NodeId, payload: Uint8Array): Promise<void>;
  /** Bytes that audits hold in this worker. If they do not fit beside `others` bytes, an engine that is only kept warm is given up first. */
  auditBytes(others: number): number;
  /** A frame was dropped. For counters and tests; the coordinator hears of it by `fault` where it concerns a job. */
  refused(peer: NodeId, error: StageError): void;
}
