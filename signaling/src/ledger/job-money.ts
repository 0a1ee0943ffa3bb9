import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { holdOf, payableOf, pendingOf, withheldOf } from './accounts-of.ts';
import type { AccountName, LedgerEntry } from '@ciro/core/ledger/entry.ts';

/** Where a worker's credit for a job stands (SPEC M7). */
export type CreditStatus = 'pending' | 'payable' | 'void';

/** One worker's credit for one job, in base units. */
export interface WorkerCredit {
  readonly worker: string;
  /** As charged. */
  readonly amount: bigint;
  readonly status: CreditStatus;
  /** What is left of it to the worker: less than `amount` when it was voided, or when a refund found pool and fee empty. */
  readonly due: bigint;
  /** Part of `due` that was kept back when it became payable. */
  readonly withheld: bigint;
}

/** What an auditor was paid for a look at one of the job's stages. */
export interface AuditPay {
  readonly audit: string;
  readonly auditor: string;
  readonly amount: bigint;
}

/**
 * What a job cost and whom it paid, read back from the chain. As charged: `debit = fee + sum of amounts`. With what came
 * after: `debit + fromPool = refunded + (fee - fromFee) + sum of dues`.
 */
export interface JobAccount {
  /** The entry that closed the hold: its hash pins the whole history before it. */
  readonly entry: LedgerEntry;
  readonly held: bigint;
  readonly debit: bigint;
  readonly fee: bigint;
  readonly credits: readonly WorkerCredit[];
  /** Of the debit, what went back to the requester. */
  readonly refunded: bigint;
  /** Of the fee, what a refund took. */
  readonly fromFee: bigint;
  /** What the pool paid for honest work on a refunded job; less than 0 when it was given what nobody is owed. */
  readonly fromPool: bigint;
  /** Paid from the fee account or the pool, beside all of the above. */
  readonly audits: readonly AuditPay[];
}

const PENDING = /^worker:(.+):pending$/;
const PAYABLE = /^worker:(.+):payable$/;
/** Entries that pay for a look at the job, release what other jobs had earned, or undo a conviction: no part of what the job itself cost. */
const BESIDE: ReadonlySet<string> = new Set(['audit', 'released', 'forfeit', 'restored']);

export const closeKey = (job: string): string => `close:${job}`;
export const outcomeKey = (job: string, worker: string): string => `outcome:${job}:${worker}`;
const AUDIT_KEY = /^audit:(.+)$/;

/** Everything that was booked about one job, summed as it is asked for. */
export class JobMoney {
  readonly job: string;
  readonly #entries: readonly LedgerEntry[];
  readonly #closed: LedgerEntry | undefined;

  /** `entries`: all of the job's, in order. */
  constructor(job: string, entries: readonly LedgerEntry[]) {
    this.job = job;
    this.#entries = entries;
    this.#closed = entries.find(({ key }) => key === closeKey(job));
  }

  /** The requester's account, and what was held; throws `unknown-hold` when nothing ever was. */
  get hold(): { readonly requester: AccountName; readonly held: bigint } {
    const entry = this.#entries.find(({ kind }) => kind === 'hold');
    const requester = entry?.lines.find(({ account }) => account.startsWith('requester:'))?.account;
    if (entry === undefined || requester === undefined) throw unknownHold(this.job, 'nothing was ever held for it');
    return { requester, held: sumOf([entry], holdOf(this.job)) };
  }

  /** The entry that charged the job; throws `unknown-hold` when it was released or is still open. */
  get charge(): LedgerEntry {
    if (this.#closed?.kind !== 'charge') throw unknownHold(this.job, this.#closed === undefined ? 'it is not charged yet' : 'its hold was released');
    return this.#closed;
  }

  /** Workers that the charge credited, in its order, with what they were credited. */
  get credited(): ReadonlyMap<string, bigint> {
    const workers = this.charge.lines.flatMap(({ account }) => PENDING.exec(account)?.[1] ?? []);
    return new Map(workers.map((worker) => [worker, sumOf([this.charge], pendingOf(worker))]));
  }

  get fee(): bigint {
    return sumOf([this.charge], 'fee');
  }

  /** What is still pending of a worker's credit for this job. */
  pending(worker: string): bigint {
    return sumOf(this.#entries, pendingOf(worker));
  }

  /** Of the debit, what the requester has not got back. */
  get owed(): bigint {
    return -sumOf(this.#entries, this.hold.requester);
  }

  /** For evidence; undefined until the hold is closed. */
  get account(): JobAccount | undefined {
    const entry = this.#closed;
    if (entry === undefined) return undefined;
    const fee = sumOf([entry], 'fee');
    const { held } = this.hold;
    if (entry.kind !== 'charge') return { entry, held, debit: 0n, fee, credits: [], refunded: 0n, fromFee: 0n, fromPool: 0n, audits: [] };
    const credits = [...this.credited].map(([worker, amount]) => this.#creditOf(worker, amount));
    const debit = credits.reduce((sum, { amount }) => sum + amount, fee);
    const later = this.#entries.filter(({ kind }) => !BESIDE.has(kind));
    return { entry, held, debit, fee, credits, refunded: debit - this.owed, fromFee: fee - sumOf(later, 'fee'), fromPool: -sumOf(later, 'pool'), audits: this.#entries.flatMap(auditPay) };
  }

  #creditOf(worker: string, amount: bigint): WorkerCredit {
    const outcome = this.#entries.find(({ key }) => key === outcomeKey(this.job, worker));
    if (outcome?.kind === 'void') return { worker, amount, status: 'void', due: 0n, withheld: 0n };
    if (outcome === undefined) return { worker, amount, status: 'pending', due: this.pending(worker), withheld: 0n };
    const withheld = sumOf([outcome], withheldOf(worker));
    return { worker, amount, status: 'payable', due: sumOf([outcome], payableOf(worker)) + withheld, withheld };
  }
}

function auditPay({ kind, key, lines }: LedgerEntry): AuditPay[] {
  const audit = AUDIT_KEY.exec(key)?.[1];
  const paid = lines.find(({ account }) => PAYABLE.test(account));
  const auditor = paid === undefined ? undefined : PAYABLE.exec(paid.account)?.[1];
  return kind !== 'audit' || audit === undefined || paid === undefined || auditor === undefined ? [] : [{ audit, auditor, amount: paid.amount }];
}

const sumOf = (entries: readonly LedgerEntry[], wanted: AccountName): bigint =>
  entries.reduce((total, { lines }) => lines.reduce((sum, { account, amount }) => (account === wanted ? sum + amount : sum), total), 0n);

export function unknownHold(job: string, why: string): LedgerError {
  return new LedgerError('unknown-hold', `job ${job} has no hold to close: ${why}`, { fault: 'bug', fields: { job } });
}
