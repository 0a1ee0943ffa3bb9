import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { EscrowClaim, EscrowWanted } from '../escrow/check-escrow.ts';
import type { JobHandle, JobOrder, JobRecord } from '../scheduler/job-order.ts';
import type { Assurance, ChatMessage } from './chat-request.ts';
import type { TextDecoderOfIds } from './answer-text.ts';

/** A served model as intake needs it: its text functions and its numbers. */
export interface ChatModel {
  readonly id: HexHash;
  readonly manifest: Pick<ModelManifest, 'name' | 'architecture' | 'stopIds' | 'file'>;
  readonly tokenizer: {
    /** Ids of a rendered template. */
    encodePrompt(rendered: string): number[];
    detokenizer(): TextDecoderOfIds;
  };
  readonly template: { render(messages: readonly ChatMessage[]): string };
}

/** Port: the served models, the default first. */
export interface ChatModels {
  /** By name, id or `default`. */
  get(nameOrId: string): ChatModel | undefined;
  list(): readonly ChatModel[];
}

/** Port: answers that a contract pays for (SPEC N3 to N7). `EscrowDesk` is one. */
export interface Escrows {
  /** Checks an escrow and starts it; its budget may be held then. Throws EscrowError. */
  take(claim: EscrowClaim, job: JobId, wanted: EscrowWanted): Promise<void>;
  /** An answer of it is under way; `end` is called when its time is over. */
  runs(escrow: EscrowId, end: () => void): void;
  /** Nothing of it is under way any more, and everything of it is decided. */
  over(escrow: EscrowId): void;
}

/** Port: runs an order. The signal cancels it: before the first token that throws, later the job ends with what it has. */
export interface JobRunner {
  run(order: JobOrder, signal: AbortSignal): JobHandle;
  /** No job goes on from what was kept of this one, nor from what stands on it (SPEC V7). */
  forget(job: JobId): void;
}

/** A change of a worker's account, in base units. */
export interface CreditNotice {
  readonly job: JobId;
  readonly amount: bigint;
  readonly status: 'pending' | 'payable' | 'void';
  readonly pendingTotal: bigint;
  readonly payableTotal: bigint;
  /** The part of it that waits for a promotion (SPEC M11). */
  readonly promotionalTotal?: bigint;
  /** Earned and kept back until the worker has a record (SPEC M7). */
  readonly withheldTotal: bigint;
  /** What the amount was made from, for the worker to make it again (SPEC B3). */
  readonly paidPositions: number;
  readonly generatedTokens: number;
  /** The ledger entry that booked it. */
  readonly entry: { readonly sequence: number; readonly hash: HexHash };
}

/** Port: tells a worker of its credit, if it is connected. */
export interface CreditNotices {
  credited(worker: NodeId, notice: CreditNotice): void;
}

/** What became of a stage: not drawn, audited and right, convicted by a quorum, or not to be decided and therefore not paid. */
export type StageOutcome = 'passed by' | 'passed' | 'failed' | 'unpaid';

/** A recorded and settled job, to be audited. */
export interface JobToAudit {
  readonly record: JobRecord;
  readonly assurance: Assurance;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The jobs whose caches it began with, the newest first (SPEC V4). */
  readonly prefix?: readonly JobRecord[];
  /** Hears of each stage as it is decided. */
  readonly onStage?: (stage: number, status: StageOutcome) => void;
}

export interface AuditOutcome {
  /** One a stage. `firstBadPosition`: where the first bad unit of a failed stage begins. */
  readonly stages: readonly { readonly status: StageOutcome; readonly firstBadPosition: number | null }[];
}

/** Port: draws and audits jobs. `AuditDesk` is one. */
export interface Audits {
  /** Resolves when every stage is decided and its money booked. */
  consider(job: JobToAudit): Promise<AuditOutcome>;
  /** The requester's nonce, 32 bytes in hex, of a job under consideration; false when the draw was made already. */
  requesterNonce(job: JobId, nonce: string): boolean;
}
