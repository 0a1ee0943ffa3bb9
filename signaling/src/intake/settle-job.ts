import { reusedPositions } from '@ciro/core/job/plan.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { noticeCredits } from './noticed-money.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { CreditNotices } from './ports.ts';

/**
 * Charges a recorded job at the rates of its signed quote, by layers and acknowledged positions (SPEC M3), and tells the
 * workers. Calling it again books nothing twice.
 */
export async function settleJob(dependencies: { readonly ledger: Ledger; readonly notices: CreditNotices }, job: JobId, record: JobRecord): Promise<void> {
  const { ledger, notices } = dependencies;
  const { quote } = record.signed.plan;
  const rates = { promptToken: BigInt(quote.promptToken), generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) };
  const work = record.stages.map(({ worker, layers: [from, to], paidPositions }) => ({ worker, layers: to - from, positions: paidPositions }));
  const { debit, fee, credits } = charge(rates, record.promptIds.length - reusedPositions(record.signed.plan), record.tokenIds.length, work);
  await ledger.settle(job, { debit, fee, credits });
  await noticeCredits({ ledger, notices }, record, record.stages.map(({ worker }) => worker));
}
