import { shortFelt } from '@ciro/contracts/chain/felts.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { strk } from './chain-table.ts';
import { alignedTable } from './evidence-table.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { AccountOnChain } from '../chain/payments.ts';
import type { Payment } from '../settlement/settlement.ts';

export type PaidWorker = Payment & AccountOnChain;

/** Who was paid how much by which transaction, and what the account holds, as the chain says it; the transactions in full below. */
export function paymentTable(paid: readonly PaidWorker[]): string {
  const rows = paid.map(({ worker, account, credits, transaction, balance, feesPaid }) => [
    worker.slice(0, 12),
    shortFelt(account as Felt),
    `${formatCredits(credits)} CIRO`,
    transaction === undefined ? 'none found' : shortFelt(transaction as Felt),
    `${formatCredits(balance)} CIRO`,
    feesPaid === 0n ? '0' : `${strk(feesPaid)} STRK`,
  ]);
  const transactions = [...new Set(paid.flatMap(({ transaction }) => transaction ?? []))];
  return [alignedTable([['worker', 'account', 'earned', 'transaction', 'balance on chain', 'gas paid by the worker'], ...rows]), '', ...transactions.map((hash) => `transaction ${hash}`)].join('\n');
}
