import { formatCredits } from '@ciro/core/units.ts';
import type { SettlementEvent } from '../settlement/ports.ts';

/** An event of settlement for a person. Tokens have the decimals of credits. */
export function settlementLine(event: SettlementEvent): string {
  switch (event.type) {
    case 'began-anew':
      return 'the local chain began anew; what it paid before stays settled';
    case 'closed':
      return `epoch ${event.epoch} closed: ${event.count} payees, ${formatCredits(event.total)} CIRO in all`;
    case 'posted':
    case 'confirmed':
      return `epoch ${event.epoch} ${event.type} in transaction ${event.transaction ?? '(of an earlier run)'}`;
    case 'claimable':
    case 'vetoed':
      return `epoch ${event.epoch} ${event.type}`;
    case 'reorganised':
      return `epoch ${event.epoch}: the chain took its block back`;
    case 'pushed':
      return `${formatCredits(event.amount)} CIRO of epoch ${event.epoch} sent to ${event.accounts} accounts in transaction ${event.transaction}`;
    case 'performance-posted':
      return `performance of ${event.workers} workers up to epoch ${event.epoch} sent to the pool in transaction ${event.transaction}`;
    case 'touched':
      return `the pool is told of ${event.workers} workers that are there in transaction ${event.transaction}`;
    case 'settled':
      return `worker ${event.worker.slice(0, 12)} has ${formatCredits(event.credits)} more at ${event.account}`;
  }
}
