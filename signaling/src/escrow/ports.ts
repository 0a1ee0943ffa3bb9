import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Receipt } from '../settlement/ports.ts';

/** States of a job as the contract counts them (contracts/SPEC.md J). */
export const CHAIN_JOB_STATES = ['unknown', 'open', 'running', 'submitted', 'disputed', 'settled', 'cancelled', 'refunded'] as const;
export type ChainJobState = (typeof CHAIN_JOB_STATES)[number];

/** A job as the JobManager has it. Amounts in base units of its token, times in Unix seconds; felts in 0x hex. */
export interface ChainJob {
  readonly client: string;
  readonly token: string;
  readonly model: string;
  readonly specHash: string;
  readonly resultRoot: string;
  readonly budget: bigint;
  readonly used: bigint;
  readonly deadline: number;
  /** When it was submitted or disputed, else when it was created. */
  readonly since: number;
  readonly state: ChainJobState;
}

export interface RegisteredModel {
  readonly high: bigint;
  readonly low: bigint;
  readonly registered: boolean;
  readonly revoked: boolean;
}

/** What the contract is once: fixed by its constructor. Seconds. */
export interface JobManagerTimes {
  readonly refundGrace: number;
  readonly disputeWindow: number;
}

/** Port: the JobManager contract, with an account that has COORDINATOR. Anything may fail, time out or be asked again; a transaction sent twice reverts. */
export interface JobManagerPort {
  /** 0x hex. */
  readonly chainId: string;
  readonly jobManager: string;
  /** `newest`, or as a block has it that lies under enough others to stay (`settled`). State `unknown` when there is none. */
  job(id: EscrowId, at: 'newest' | 'settled'): Promise<ChainJob>;
  model(id: string): Promise<RegisteredModel>;
  /** The store that a token goes to once it was earned; 0x0 for a token that is not allowed. */
  sinkOf(token: string): Promise<string>;
  /** Whether our account may start jobs. */
  mayCoordinate(): Promise<boolean>;
  times(): Promise<JobManagerTimes>;
  /** Unix seconds of the newest block. */
  time(): Promise<number>;
  /** Each sends a transaction and gives its hash, without waiting for a block. */
  startJob(id: EscrowId): Promise<string>;
  submitResult(id: EscrowId, resultRoot: string, used: bigint): Promise<string>;
  settleJob(id: EscrowId): Promise<string>;
  refundExpired(id: EscrowId): Promise<string>;
  receipt(transaction: string): Promise<Receipt>;
}

/** `accepted`: stored, `start_job` may have been sent. `started`: the contract has it Running and the budget is booked. `answered`: nothing of it changes any more. The other two are final. */
export type EscrowState = 'accepted' | 'started' | 'answered' | 'settled' | 'refunded';

/** What was sent about an escrow, newest of each kind. `at`: epoch milliseconds. */
export type EscrowStep = 'start' | 'submit' | 'settle' | 'refund';
export interface SentStep {
  readonly transaction: string;
  readonly at: number;
}

export interface Escrow {
  readonly id: EscrowId;
  /** The ledger's job that was asked; those that go on from it or do it again follow from the archive. */
  readonly job: JobId;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  readonly state: EscrowState;
  /** Base units of the token. */
  readonly budget: bigint;
  /** Unix seconds. */
  readonly deadline: number;
  /** Known once answered. */
  readonly result: { readonly root: string; readonly used: bigint } | null;
  readonly sent: Readonly<Partial<Record<EscrowStep, SentStep>>>;
}

/** What the audits said about the money of an escrowed job, kept until the contract has settled (SPEC N5). */
export type Deferred =
  | { readonly kind: 'payable'; readonly job: JobId; readonly worker: NodeId; readonly withheldBasisPoints: bigint }
  | { readonly kind: 'audit'; readonly job: JobId; readonly audit: AuditId; readonly auditor: NodeId; readonly amount: bigint };

/** Port: what is known of escrows, durable. Every call is stored whole, or not at all. */
export interface EscrowStore {
  /** False when there is one of this id already. */
  add(escrow: Escrow): Promise<boolean>;
  find(id: EscrowId): Promise<Escrow | undefined>;
  /** Changes what is named; nothing when there is none. */
  change(id: EscrowId, change: Partial<Pick<Escrow, 'state' | 'budget' | 'result' | 'sent'>>): Promise<void>;
  /** Forgets one that never began. */
  drop(id: EscrowId): Promise<void>;
  /** Those that are not final, oldest first. */
  open(): Promise<readonly Escrow[]>;
  /** Keeps what is to be booked later; once for its cause. */
  defer(id: EscrowId, deferred: Deferred): Promise<void>;
  /** Of escrows that are final, what was kept for then; at most `limit`. */
  due(limit: number): Promise<readonly { readonly escrow: Escrow; readonly deferred: Deferred }[]>;
  /** Was booked. */
  done(id: EscrowId, deferred: Deferred): Promise<void>;
}

/** What happened, for logs and people. */
export type EscrowEvent =
  | { readonly type: 'accepted' | 'started' | 'dropped'; readonly escrow: EscrowId; readonly job: JobId }
  | { readonly type: 'answered'; readonly escrow: EscrowId; readonly job: JobId; readonly used: bigint }
  | { readonly type: 'sent'; readonly escrow: EscrowId; readonly step: EscrowStep; readonly transaction: string }
  | { readonly type: 'settled'; readonly escrow: EscrowId; readonly used: bigint; readonly returned: bigint }
  | { readonly type: 'refunded'; readonly escrow: EscrowId; readonly returned: bigint };
