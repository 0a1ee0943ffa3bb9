import type { JobPlan, PlanPrefix, PlanSampler, SignedPlan } from '@ciro/core/job/plan.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { SchedulerError } from './scheduler-error.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';

/** A priced request, ready to be placed. */
export interface JobOrder {
  readonly job: JobId;
  /** Who asks, and pays unless `escrow` does; accounts take turns in the queue. */
  readonly account: string;
  /** The job of a contract whose budget pays (SPEC N5). */
  readonly escrow?: string;
  readonly modelId: HexHash;
  readonly promptIds: Uint32Array;
  /** The prompt's ids from this position on were drawn by earlier jobs of the same answer (SPEC V10); none when undefined. */
  readonly drawnFrom?: number;
  readonly sampler: PlanSampler;
  readonly maxTokens: number;
  readonly stopIds: readonly number[];
  /** Stages wanted; the operator's default when undefined. */
  readonly stages?: number;
  readonly quote: JobPlan['quote'];
  /** SHA-256 of the requester's nonce for the audit draw (SPEC A1); null when its client gives none. */
  readonly requesterNonce: HexHash | null;
  /** Workers that must not serve it: those whose work this job does again. */
  readonly exclude: readonly NodeId[];
  /** What a lost stage does after the first id: true keeps the ids for another job (SPEC G2), false begins anew under the next plan version (G1). */
  readonly goesOn: boolean;
  /** Its plan may begin with what the account's earlier jobs left in the workers (SPEC V3); not when undefined. */
  readonly reuses?: boolean;
  /** The job that this one goes on from, whose requester is reading already: it goes to the head of the queue, and is waited for longer. */
  readonly continues: JobId | null;
  /** Before or behind the others that are new (SPEC M16); among them when undefined. */
  readonly turn?: 'first' | 'last';
  /** Version of its first plan, 1 when undefined: above it when tabs may have seen plans of it from a coordinator that ended (SPEC G8). */
  readonly firstVersion?: number;
}

/** One unit as the coordinator knows it: the worker's receipt, its other hashes, the neighbour's word. */
export interface UnitRecord {
  readonly receipt: Receipt;
  readonly receiptValid: boolean;
  readonly canonHash: HexHash;
  readonly hintHash: HexHash;
  readonly hintBytes: number;
  /** Base64; they hash to `hintHash`. */
  readonly hints: string;
  readonly acknowledgement?: Acknowledgement;
  readonly acknowledgementValid?: boolean;
}

/** What a stage reported at the end of its work. */
export interface StageStats {
  readonly engine: 'wasm' | 'webgpu';
  readonly decodeMs: Percentiles;
  readonly commitMs: Percentiles;
  readonly unitMs: Percentiles;
  readonly lapMs: Percentiles;
  readonly peakMemoryBytes: number;
}
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** Everything known of one stage of a job once it is over. */
export interface StageRecord {
  readonly worker: NodeId;
  readonly layers: readonly [number, number];
  readonly link: 'direct' | 'relay' | 'unknown' | 'none';
  readonly units: readonly UnitRecord[];
  /** Positions in units that are signed and acknowledged: what is paid (PROTOCOL 3). */
  readonly paidPositions: number;
  /** Absent when the worker never posted a valid root. */
  readonly root?: { readonly root: string; readonly signature: string; readonly salts: readonly string[] };
  readonly stats?: StageStats;
}

/** The whole record of a job, kept for its evidence. */
export interface JobRecord {
  readonly signed: SignedPlan;
  readonly planHash: HexHash;
  /** Opens the plan's nonce commitment. */
  readonly coordinatorNonce: string;
  readonly promptIds: readonly number[];
  readonly tokenIds: readonly number[];
  /** Ids sampled beyond a stop, in order: nobody is given them, but the last stage's units may cover them (SPEC B4). */
  readonly surplusIds: readonly number[];
  /** `moved`: a stage was lost, and the answer goes on in another job (SPEC G2). */
  readonly finish: 'stop' | 'length' | 'cancelled' | 'moved' | 'failed';
  readonly stages: readonly StageRecord[];
  readonly disagreements: readonly { readonly stage: number; readonly unit: number; readonly by: NodeId }[];
  /** Milliseconds from `assigned` to the first token, and tokens a second after it. */
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
}

/** What happens to a job, in this order: queued* (assigned prefix-gone?)+ token* (finished recorded | thrown SchedulerError). */
export type JobEvent =
  | { readonly type: 'queued'; readonly ahead: number }
  | { readonly type: 'assigned'; readonly signed: SignedPlan }
  /** A stage did not keep what the plan begins with: another plan follows, which computes everything (SPEC V3). */
  | { readonly type: 'prefix-gone'; readonly prefix: PlanPrefix }
  | { readonly type: 'token'; readonly position: number; readonly id: number }
  /** `lost`, when `reason` is `moved`: what the stage was lost by; `fields.worker` is whose fault it was, where that is known. */
  | { readonly type: 'finished'; readonly reason: JobRecord['finish']; readonly lost?: SchedulerError }
  | { readonly type: 'recorded'; readonly record: JobRecord };

/** A running job. `stop` ends it at the last token seen (a stop string, a client that left); events then close with `finished`. */
export interface JobHandle {
  readonly events: AsyncIterable<JobEvent>;
  stop(reason: 'stop' | 'cancelled'): void;
}
