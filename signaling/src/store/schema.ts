import type { AccountName, EntryKind } from '@ciro/core/ledger/entry.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { Scope } from '../accounts/account-store.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { ColumnType, Generated } from 'kysely';
import type { JobFailure } from '../evidence/job-archive.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';
import type { ChangeRecord } from '../settlement/link-ports.ts';
import type { EpochState, EpochSummary } from '../settlement/ports.ts';
import type { EscrowState, EscrowStep, SentStep } from '../escrow/ports.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { DisputeState } from '../disputes/dispute-store.ts';
import type { StoredRuling } from './sql-dispute-store.ts';
import type { StoredAsked } from './sql-kept-answers.ts';

/** numeric(78,0): read as bigint, written as decimal text (drivers differ in what they make of a bigint). */
type Amount = ColumnType<bigint, string, string>;
/** json: read as the value, written as text. */
type Json<T> = ColumnType<T | null, string | null, string | null>;
type RequiredJson<T> = ColumnType<T, string, never>;

interface LedgerHeadRow {
  readonly id: number;
  sequence: number;
  hash: string;
}
interface LedgerEntryRow {
  sequence: number;
  key: string;
  kind: EntryKind;
  job: JobId | null;
  at: number;
  previous: string;
  hash: string;
}
interface LedgerLineRow {
  sequence: number;
  /** Order within the entry: the hash covers it. */
  line: number;
  account: AccountName;
  amount: Amount;
}
interface BalanceRow {
  account: AccountName;
  amount: Amount;
}
interface ApiKeyRow {
  readonly hash: string;
  readonly account: string;
  readonly created_at: number;
  readonly id: string;
  readonly name: string;
  readonly shown: string;
  readonly scopes: RequiredJson<readonly Scope[]>;
  readonly budget_total: ColumnType<bigint | null, string | null, never>;
  readonly budget_daily: ColumnType<bigint | null, string | null, never>;
  readonly expires_at: number | null;
  revoked_at: number | null;
  used_on: number | null;
}
interface SubmissionRow {
  readonly account: string;
  readonly key: string;
  job: JobId;
  readonly hash: string;
  readonly at: number;
}
interface KeyJobRow {
  readonly job: string;
  readonly key: string;
  readonly day: number;
}
interface KeySpendingRow {
  readonly key: string;
  readonly day: number;
  amount: Amount;
}
interface JobRow {
  job: JobId;
  account: string;
  model_id: HexHash;
  created_at: number;
  state: 'running' | 'failed' | 'recorded';
  failure: Json<JobFailure>;
  record: Json<JobRecord>;
  text: string | null;
  assurance: 'stream' | 'checked';
  corrects: JobId | null;
  continues: JobId | null;
  decided: Generated<boolean>;
}
interface NodeRow {
  node_id: NodeId;
  public_key: string;
  first_seen: number;
  last_seen: number;
  connected_ms: number;
  latency_total_ms: number;
  latency_samples: number;
  compute_contributed: number;
  jobs_served: number;
  jobs_failed: number;
}
interface StandingRow {
  node_id: NodeId;
  passed: number;
  successful_audits: number;
  failed_audits: number;
  suspicion: number;
  demoted_at: number | null;
  first_seen: number;
}
interface AuditDrawRow {
  job: JobId;
  draw: RequiredJson<AuditDraw>;
}
interface AuditTranscriptRow {
  number: Generated<number>;
  job: JobId;
  stage: number;
  transcript: RequiredJson<Transcript>;
}
interface AuditPieceRow {
  job: JobId;
  sha256: HexHash;
  saved_at: number;
  bytes: Uint8Array;
}

interface KeptAnswerRow {
  readonly job: JobId;
  readonly created_at: number;
  readonly asked: RequiredJson<StoredAsked>;
  jobs: ColumnType<readonly JobId[], string, string>;
  ids: ColumnType<readonly number[], string, string>;
  restarts: number;
}

export interface SettlementEpochRow {
  readonly epoch: number;
  readonly closed_at: number;
  /** `data` without its entries and corrections, which may be 15 MB. */
  readonly summary: RequiredJson<EpochSummary>;
  readonly data: RequiredJson<EpochData>;
  state: EpochState;
  transaction: string | null;
  block_number: number | null;
  block_hash: string | null;
  posted_at: number | null;
}
interface PerformanceEpochRow {
  readonly epoch: number;
  readonly data: RequiredJson<PerformanceData>;
  transaction: string | null;
  posted_at: number | null;
}
interface SettlementBookRow {
  readonly chain_id: string;
  readonly store: string;
  readonly birth: string;
  readonly settled_before: RequiredJson<Readonly<Record<string, string>>>;
}
interface SettlementPayoutRow {
  readonly node_id: NodeId;
  readonly account: string;
}
interface SettlementCorrectionRow {
  readonly name: string;
  readonly account: string;
  readonly amount: Amount;
  /** Epoch that names it; null while it waits for the next one. */
  epoch: number | null;
}

interface PayoutLinkRow {
  readonly node_id: NodeId;
  readonly account: string;
  readonly since: number;
  /** Base units by account. */
  readonly kept: RequiredJson<Readonly<Record<string, string>>>;
}
export interface PayoutChangeRow {
  readonly node_id: NodeId;
  readonly nonce: number;
  readonly change: RequiredJson<PayoutChange>;
  readonly identity_signature: string | null;
  readonly wallet_signature: Json<readonly string[]>;
  readonly asked_at: number;
  readonly from_at: number;
  state: ChangeRecord['state'];
}

interface EscrowRow {
  readonly id: string;
  readonly job: JobId;
  readonly accepted_at: number;
  state: EscrowState;
  budget: Amount;
  readonly deadline: number;
  /** Both null until it is answered. */
  result_root: string | null;
  used: ColumnType<bigint | null, string | null, string | null>;
  sent: ColumnType<Partial<Record<EscrowStep, SentStep>>, string, string>;
}
interface EscrowDeferredRow {
  readonly cause: string;
  readonly escrow: string;
  readonly place: ColumnType<number, never, never>;
  readonly kind: 'payable' | 'audit';
  readonly job: JobId;
  /** Who is paid: the worker, or the auditor. */
  readonly node_id: NodeId;
  readonly audit: AuditId | null;
  /** Base units of an audit's pay, or basis points that are withheld. */
  readonly amount: Amount;
}
interface DisputeRow {
  readonly number: Generated<number>;
  readonly job: JobId;
  readonly stage: number;
  readonly worker: NodeId;
  readonly noted_at: number;
  readonly hash: HexHash | null;
  readonly accused: string | null;
  readonly ref: string | null;
  readonly evidence: string | null;
  /** Megabytes of JSON as text: its very bytes are hashed. */
  case_file: string | null;
  state: DisputeState;
  note: string;
  from_block: number | null;
  transaction: string | null;
  case_id: number | null;
  ruling: Json<StoredRuling>;
  /** The ruling sets the conviction aside. */
  acquitted: boolean;
}
interface StandingAcquittalRow {
  readonly name: string;
  readonly node_id: NodeId;
  readonly at: number;
}

/** Tables as the newest migration leaves them. bigint columns hold safe integers and are read as numbers. */
interface InstanceRow {
  readonly number: Generated<number>;
  readonly name: string;
  readonly url: string;
  readonly public_key: string;
  readonly entered_at: ColumnType<Date, never, never>;
  draining: Generated<boolean>;
  leads: Generated<boolean>;
  workers: Generated<number>;
  missing: Generated<number>;
  rings: Generated<number>;
  jobs: Generated<number>;
  successor: number | null;
}

export interface Schema {
  ledger_head: LedgerHeadRow;
  ledger_entries: LedgerEntryRow;
  ledger_lines: LedgerLineRow;
  balances: BalanceRow;
  api_keys: ApiKeyRow;
  submissions: SubmissionRow;
  key_jobs: KeyJobRow;
  key_spending: KeySpendingRow;
  jobs: JobRow;
  nodes: NodeRow;
  standings: StandingRow;
  audit_draws: AuditDrawRow;
  audit_transcripts: AuditTranscriptRow;
  audit_pieces: AuditPieceRow;
  kept_answers: KeptAnswerRow;
  settlement_epochs: SettlementEpochRow;
  performance_epochs: PerformanceEpochRow;
  settlement_book: SettlementBookRow;
  settlement_payouts: SettlementPayoutRow;
  settlement_corrections: SettlementCorrectionRow;
  payout_links: PayoutLinkRow;
  payout_changes: PayoutChangeRow;
  escrows: EscrowRow;
  escrow_deferred: EscrowDeferredRow;
  disputes: DisputeRow;
  instances: InstanceRow;
  standing_acquittals: StandingAcquittalRow;
}
