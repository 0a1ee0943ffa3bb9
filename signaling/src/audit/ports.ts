import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { PlanSampler } from '@ciro/core/job/plan.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { Workers } from '../scheduler/workers-port.ts';

/** What is known of a worker's conduct (SPEC A2, A8, A9). */
export interface Standing {
  /** Stage-jobs that the draw passed by or an audit passed: n of the rate. */
  readonly passed: number;
  /** Audits of its work that passed, and those that a quorum failed; an opinion of its own that nobody shared counts as failed, too. */
  readonly successfulAudits: number;
  readonly failedAudits: number;
  /** Nats of near misses (SPEC A9). */
  readonly suspicion: number;
  /** Epoch milliseconds; null while it is placed. */
  readonly demotedAt: number | null;
  /** Epoch milliseconds. */
  readonly firstSeen: number;
  /** 0 to 1. */
  readonly reputation: number;
}

/** Port: the record of every node. */
export interface Standings {
  /** A node never seen: zeros, firstSeen = now. */
  of(node: NodeId): Promise<Standing>;
  /** A stage-job passed, or was passed by; `suspicion` is the new value. */
  passed(node: NodeId, change: { readonly audited: boolean; readonly suspicion: number }): Promise<Standing>;
  /** A quorum failed its work: demotes, failedAudits + 1. */
  failed(node: NodeId): Promise<Standing>;
  /** An auditor whose failing opinion nobody shared: failedAudits + 1, not demoted. */
  misjudged(node: NodeId): Promise<Standing>;
  /** Synchronous, for placement: kept in memory for connected nodes. */
  isDemoted(node: NodeId): boolean;
}

/** Port: what audits do to the ledger (SPEC M7, M8). Every call is booked once, however often it is made. */
export interface AuditMoney {
  /** What the worker earns by the job, and its bond. */
  stake(job: JobId, worker: NodeId): Promise<Stake>;
  /** The pending credit becomes payable, but for what is withheld as a bond: 0n or 5000n basis points. */
  payable(job: JobId, worker: NodeId, withheldBasisPoints: bigint): Promise<void>;
  /** The credit goes back to the requester; nothing else happens to the worker. */
  unpaid(job: JobId, worker: NodeId): Promise<void>;
  /** The whole debit goes back; the convicted lose credit and what is withheld, honest stages keep theirs, from the pool. */
  failed(job: JobId, convicted: readonly NodeId[]): Promise<void>;
  auditPaid(audit: AuditId, job: JobId, auditor: NodeId, amount: bigint): Promise<void>;
}

/** Port: draws and transcripts for ever, pieces until they are pruned. */
export interface AuditStore {
  saveDraw(job: JobId, draw: AuditDraw): Promise<void>;
  drawOf(job: string): Promise<AuditDraw | undefined>;
  saveTranscript(transcript: Transcript): Promise<void>;
  /** In the order in which they were saved. */
  transcriptsOf(job: string): Promise<readonly Transcript[]>;
  /** `at`: epoch milliseconds. The same hash again for the same job: nothing. */
  savePiece(sha256: HexHash, job: JobId, bytes: Uint8Array, at: number): Promise<void>;
  pieces(job: string): Promise<ReadonlyMap<HexHash, Uint8Array>>;
  /** Deletes pieces saved before this time, in epoch milliseconds; gives their number. */
  prunePieces(before: number): Promise<number>;
}

/** What an auditor needs to look at the ids of a last stage. */
export interface Sampling {
  readonly sampler: PlanSampler;
  readonly promptTokens: number;
}

/** One stage of one job for the reference run. `inputs`: ids (uint32) or rows (float32), little-endian, positions in order. */
export interface ReferenceTask {
  readonly modelId: HexHash;
  readonly layers: readonly [number, number];
  readonly positions: number;
  readonly inputs: Uint8Array;
  /** Last stage only, and from the first unit of the job on: committed payload (a row and its id for every position) whose ids are checked. */
  readonly check?: { readonly payload: Uint8Array; readonly sampling: Sampling };
  /** Other stages: committed rows from the first unit of the job on, and the ids of the answer, one a position and `NO_ID` where none was drawn; near rows are followed (SPEC A10). */
  readonly follow?: { readonly payload: Uint8Array; readonly ids: Uint32Array; readonly sampling: Sampling };
}

/** Port: the coordinator's own run of a stage: WASM, one thread, batch 1, chunks of 16 from position 0 (SPEC D3). */
export interface ReferenceRun {
  /** `rows` [positions, hidden]; `ids` where a check was asked for, or where rows were followed: `wrong` are those that the stage turned. Throws AuditError `reference-failed`. */
  run(task: ReferenceTask, signal: AbortSignal): Promise<{ readonly rows: Float32Array; readonly ids: SampledIds | null }>;
}

/** Port: the manifests of the models that are served; jobs of others cannot be audited. */
export interface AuditModels {
  get(id: HexHash): { readonly manifest: ModelManifest } | undefined;
}

/** Port: the connected workers; `Sessions` is one. */
export type AuditWorkers = Pick<Workers, 'workers' | 'worker' | 'observe' | 'send' | 'offend'>;
