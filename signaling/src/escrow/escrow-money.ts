import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { AuditMoney } from '../audit/ports.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Deferred, Escrow, EscrowStore } from './ports.ts';

export interface EscrowMoneyDependencies {
  readonly money: AuditMoney;
  readonly ledger: Pick<Ledger, 'escrowBehind'>;
  readonly store: Pick<EscrowStore, 'find' | 'defer'>;
}

/** What audits do to the ledger, but that nothing becomes payable for a job whose escrow the contract has not settled (SPEC N5). */
export class EscrowMoney implements AuditMoney {
  readonly #dependencies: EscrowMoneyDependencies;

  constructor(dependencies: EscrowMoneyDependencies) {
    this.#dependencies = dependencies;
  }

  stake(job: JobId, worker: NodeId): Promise<Stake> {
    return this.#dependencies.money.stake(job, worker);
  }

  payable(job: JobId, worker: NodeId, withheldBasisPoints: bigint): Promise<void> {
    return this.#whenSettled(job, { kind: 'payable', job, worker, withheldBasisPoints });
  }

  unpaid(job: JobId, worker: NodeId): Promise<void> {
    return this.#dependencies.money.unpaid(job, worker);
  }

  failed(job: JobId, convicted: readonly NodeId[]): Promise<void> {
    return this.#dependencies.money.failed(job, convicted);
  }

  auditPaid(audit: AuditId, job: JobId, auditor: NodeId, amount: bigint): Promise<void> {
    return this.#whenSettled(job, { kind: 'audit', job, audit, auditor, amount });
  }

  async #whenSettled(job: JobId, deferred: Deferred): Promise<void> {
    const { ledger, money, store } = this.#dependencies;
    const id = await ledger.escrowBehind(job);
    const escrow = id === undefined ? undefined : await store.find(id);
    if (escrow === undefined) return book(money, deferred);
    if (isFinal(escrow)) return bookDeferred(money, escrow, deferred);
    return store.defer(escrow.id, deferred);
  }
}

const isFinal = ({ state }: Escrow): boolean => state === 'settled' || state === 'refunded';

/** Books what waited for a final escrow: all of it when the contract has settled; auditors are paid for their look in any case (SPEC M8). */
export async function bookDeferred(money: AuditMoney, { state }: Escrow, deferred: Deferred): Promise<void> {
  if (state === 'settled' || deferred.kind === 'audit') await book(money, deferred);
}

function book(money: AuditMoney, deferred: Deferred): Promise<void> {
  const { job } = deferred;
  return deferred.kind === 'payable' ? money.payable(job, deferred.worker, deferred.withheldBasisPoints) : money.auditPaid(deferred.audit, job, deferred.auditor, deferred.amount);
}
