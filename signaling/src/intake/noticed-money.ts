import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { AuditMoney } from '../audit/ports.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { CreditNotices } from './ports.ts';

export interface NoticeDependencies {
  readonly ledger: Pick<Ledger, 'creditEntry' | 'jobAccount' | 'promotional' | 'workerTotals'>;
  readonly notices: CreditNotices;
}

/** Tells the workers of a recorded job where their credits for it stand, as the ledger has them; those who get nothing hear nothing. */
export async function noticeCredits({ ledger, notices }: NoticeDependencies, record: JobRecord, workers: readonly NodeId[]): Promise<void> {
  const { job } = record.signed.plan;
  const account = await ledger.jobAccount(job);
  for (const worker of workers) {
    const credit = account?.credits.find((each) => each.worker === worker);
    const entry = await ledger.creditEntry(job, worker);
    if (credit === undefined || entry === undefined || credit.amount === 0n) continue;
    const { pending, payable, withheld } = await ledger.workerTotals(worker);
    notices.credited(worker, {
      ...{ job, amount: credit.amount, status: credit.status, pendingTotal: pending, payableTotal: payable, promotionalTotal: await ledger.promotional(worker), withheldTotal: withheld },
      paidPositions: record.stages.find((stage) => stage.worker === worker)?.paidPositions ?? 0,
      generatedTokens: record.tokenIds.length,
      entry: { sequence: entry.sequence, hash: entry.hash as HexHash },
    });
  }
}

export interface NoticedMoneyDependencies extends NoticeDependencies {
  readonly ledger: AuditMoney & NoticeDependencies['ledger'];
  readonly archive: Pick<JobArchive, 'find'>;
}

/** The ledger's side of audits, which tells each worker what became of its credit (SPEC M7). */
export class NoticedMoney implements AuditMoney {
  readonly #dependencies: NoticedMoneyDependencies;

  constructor(dependencies: NoticedMoneyDependencies) {
    this.#dependencies = dependencies;
  }

  stake(job: JobId, worker: NodeId): Promise<Stake> {
    return this.#dependencies.ledger.stake(job, worker);
  }

  async payable(job: JobId, worker: NodeId, withheldBasisPoints: bigint): Promise<void> {
    await this.#dependencies.ledger.payable(job, worker, withheldBasisPoints);
    await this.#notice(job, [worker]);
  }

  async unpaid(job: JobId, worker: NodeId): Promise<void> {
    await this.#dependencies.ledger.unpaid(job, worker);
    await this.#notice(job, [worker]);
  }

  async failed(job: JobId, convicted: readonly NodeId[]): Promise<void> {
    await this.#dependencies.ledger.failed(job, convicted);
    await this.#notice(job, convicted);
  }

  /** An auditor sees its pay in the totals of its next credit: a notice is about a stage's work. */
  auditPaid(audit: AuditId, job: JobId, auditor: NodeId, amount: bigint): Promise<void> {
    return this.#dependencies.ledger.auditPaid(audit, job, auditor, amount);
  }

  async #notice(job: JobId, workers: readonly NodeId[]): Promise<void> {
    const archived = await this.#dependencies.archive.find(job);
    if (archived?.state === 'recorded') await noticeCredits(this.#dependencies, archived.record, workers);
  }
}
