import { accountOnChain } from '../chain/payments.ts';
import { paymentTable } from './payment-table.ts';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { Coordinator } from '../main.ts';
import type { OpenedChain } from './open-chain.ts';

/** Deploying a chain takes fifteen seconds, and minutes on cores that others use; an epoch with its push ten seconds. On a network an epoch's challenge window may be days: nobody waits for that. */
const PAID_WITHIN_MS = 300_000;

/**
 * Closes an epoch for what has just become payable, waits until the chain has paid it, and gives the table of all who were paid since the start; what kept it from
 * being paid in one line otherwise. Credits stay in the ledger then, and settlement goes on by itself.
 */
export async function payWorkers(coordinator: Pick<Coordinator, 'payOut'>, { door, paid, failed }: Pick<OpenedChain, 'paid' | 'failed'> & { readonly door: ChainDoor }, signal: AbortSignal): Promise<string> {
  const late = AbortSignal.timeout(PAID_WITHIN_MS);
  try {
    const either = AbortSignal.any([signal, late]);
    await Promise.race([coordinator.payOut(either), failed]);
    // Some were paid by an epoch before, while others' audits were still under way.
    if (paid.size === 0) return 'no worker is owed enough to be paid on the chain yet; credits stay in the ledger';
    const rows = await Promise.all([...paid.values()].map(async (payment) => ({ ...payment, ...(await accountOnChain(door, payment.account)) })));
    return `paid on ${door.network}, by contract ${door.store}:\n${paymentTable(rows)}`;
  } catch (error) {
    signal.throwIfAborted();
    const why = late.aborted ? `not within ${PAID_WITHIN_MS / 1000} s` : error instanceof Error ? error.message : String(error);
    return `workers were not paid on the chain yet (${why}); their credits stand in the ledger, and settlement goes on`;
  }
}
