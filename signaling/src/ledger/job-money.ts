import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { earnedIn, escrowBehind, feeOf, holdOf, isPayer, pendingOf, PURSES, withheldOf } from './accounts-of.ts';
import type { AccountName, LedgerEntry, LedgerLine } from '@ciro/core/ledger/entry.ts';
import type { Purse } from './accounts-of.ts';

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

/** What was set aside for a job, of each purse. */
export interface Hold {
  readonly requester: Readonly<Record<Purse, AccountName>>;
  readonly of: Readonly<Record<Purse, bigint>>;
  readonly held: bigint;
}

const PENDING = /^worker:(.+):pending$/;
const EARNED = /^worker:([^:]+):(?:payable|promotional)$/;
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

  /** The account that pays for each purse (of an escrow, which is paid in, one for both), and what was held of each; throws `unknown-hold` when nothing ever was. */
  get hold(): Hold {
    const entry = this.#entries.find(({ kind }) => kind === 'hold');
    const account = entry?.lines.find(({ account: name }) => isPayer(name))?.account;
    if (entry === undefined || account === undefined) throw unknownHold(this.job, 'nothing was ever held for it');
    const held = sumOf([entry], holdOf(this.job));
    if (escrowBehind(account) !== undefined) return { requester: { given: account, paid: account }, of: { given: 0n, paid: held }, held };
    const given = account.replace(/:paid$/, '') as AccountName;
    const requester: Hold['requester'] = { given, paid: `${given}:paid` as AccountName };
    const of = { given: -sumOf([entry], requester.given), paid: -sumOf([entry], requester.paid) };
    return { requester, of, held };
  }

  /**
   * How much of an amount that the job pays is of each purse: what was given is spent first, and everybody gets of both alike (SPEC M11). Of an
   * escrow that was paid back the pool has paid what honest stages keep.
   */
  split(amount: bigint, debit = this.debit): Readonly<Record<Purse, bigint>> {
    const { of, requester } = this.hold;
    if (requester.given === requester.paid && this.#entries.some(({ kind }) => kind === 'refund')) return { given: amount, paid: 0n };
    const paid = debit > of.given ? (amount * (debit - of.given)) / debit : 0n;
    return { given: amount - paid, paid };
  }

  /** Lines that move an amount which the job pays to the two accounts that `to` names. */
  lines(amount: bigint, to: (purse: Purse) => AccountName): LedgerLine[] {
    const of = this.split(amount);
    return PURSES.map((purse) => ({ account: to(purse), amount: of[purse] }));
  }

  get debit(): bigint {
    return sumOfCharge(this.charge, this.job);
  }

  /** Whether its hold was charged, not released or still open. */
  get charged(): boolean {
    return this.#closed?.kind === 'charge';
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

  /** Of the fee as charged, what is of a purse. */
  fee(purse: Purse): bigint {
    return sumOf([this.charge], feeOf(purse));
  }

  /** What is still pending of a worker's credit for this job. */
  pending(worker: string): bigint {
    return sumOf(this.#entries, pendingOf(worker));
  }

  /** Of the debit, what the requester has not got back. */
  get owed(): bigint {
    const { requester } = this.hold;
    return [...new Set(Object.values(requester))].reduce((owed, account) => owed - sumOf(this.#entries, account), 0n);
  }

  /** For evidence; undefined until the hold is closed. */
  get account(): JobAccount | undefined {
    const entry = this.#closed;
    if (entry === undefined) return undefined;
    const fee = bothOf([entry], feeOf);
    const { held } = this.hold;
    if (entry.kind !== 'charge') return { entry, held, debit: 0n, fee, credits: [], refunded: 0n, fromFee: 0n, fromPool: 0n, audits: [] };
    const credits = [...this.credited].map(([worker, amount]) => this.#creditOf(worker, amount));
    const debit = credits.reduce((sum, { amount }) => sum + amount, fee);
    const later = this.#entries.filter(({ kind }) => !BESIDE.has(kind));
    return { entry, held, debit, fee, credits, refunded: debit - this.owed, fromFee: fee - bothOf(later, feeOf), fromPool: -sumOf(later, 'pool'), audits: this.#entries.flatMap(auditPay) };
  }

  #creditOf(worker: string, amount: bigint): WorkerCredit {
    const outcome = this.#entries.find(({ key }) => key === outcomeKey(this.job, worker));
    if (outcome?.kind === 'void') return { worker, amount, status: 'void', due: 0n, withheld: 0n };
    if (outcome === undefined) return { worker, amount, status: 'pending', due: this.pending(worker), withheld: 0n };
    const withheld = bothOf([outcome], (purse) => withheldOf(worker, purse));
    return { worker, amount, status: 'payable', due: bothOf([outcome], (purse) => earnedIn(worker, purse)) + withheld, withheld };
  }
}

function auditPay({ kind, key, lines }: LedgerEntry): AuditPay[] {
  const audit = AUDIT_KEY.exec(key)?.[1];
  const paid = lines.filter(({ account }) => EARNED.test(account));
  const auditor = paid[0] === undefined ? undefined : EARNED.exec(paid[0].account)?.[1];
  return kind !== 'audit' || audit === undefined || auditor === undefined ? [] : [{ audit, auditor, amount: paid.reduce((sum, { amount }) => sum + amount, 0n) }];
}

const sumOf = (entries: readonly LedgerEntry[], wanted: AccountName): bigint =>
  entries.reduce((total, { lines }) => lines.reduce((sum, { account, amount }) => (account === wanted ? sum + amount : sum), total), 0n);

const bothOf = (entries: readonly LedgerEntry[], to: (purse: Purse) => AccountName): bigint => PURSES.reduce((sum, purse) => sum + sumOf(entries, to(purse)), 0n);

/** What a charge cost: credits and fee. */
const sumOfCharge = ({ lines }: LedgerEntry, job: string): bigint => lines.reduce((sum, { account, amount }) => (account === holdOf(job) || isPayer(account) ? sum : sum + amount), 0n);

export function unknownHold(job: string, why: string): LedgerError {
  return new LedgerError('unknown-hold', `job ${job} has no hold to close: ${why}`, { fault: 'bug', fields: { job } });
}
