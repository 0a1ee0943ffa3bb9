import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { reusedPositions } from '../job/plan.ts';
import { charge } from '../pricing/price.ts';
import { receiptHash } from '../receipt/receipt.ts';
import type { JobPlan } from '../job/plan.ts';
import type { Acknowledgement, ReceiptBody } from '../receipt/receipt.ts';

/** What the coordinator says it booked for one job: part of its `credit` message. `amount` in base units. */
export interface CreditClaim {
  readonly amount: string;
  readonly paidPositions: number;
  readonly generatedTokens: number;
}

/**
 * What a worker may conclude. `least` in base units: what is due when every other stage is paid for every position, which is the
 * least that its own share can come to.
 */
export type CreditVerdict =
  | { readonly state: 'right'; readonly least: bigint }
  | { readonly state: 'underpaid'; readonly what: 'positions' | 'tokens' | 'amount'; readonly expected: string; readonly got: string; readonly message: string };

/**
 * Makes a worker's credit again from what it holds itself (SPEC B3). The worker knows its own positions, not those of others, and
 * others' only lower its share: so less than `least` is an alarm, more never is. No alarm without a signature that contradicts
 * the claim: units that nobody acknowledged do not count.
 *
 * @param plan as the coordinator signed it, with its quote
 * @param stage the worker's own
 * @param ownUnits bodies of the receipts that it signed for this job
 * @param acknowledgements those whose signatures it has verified; in a plan of one stage the coordinator is the neighbour and
 *   sends no copy, so own units count by themselves
 * @param acceptedTo where the coordinator's own `finish` ended the job, if the worker noted it
 */
export function checkCredit(plan: JobPlan, stage: number, credit: CreditClaim, ownUnits: readonly ReceiptBody[], acknowledgements: readonly Acknowledgement[], acceptedTo = 0): CreditVerdict {
  const known = new Set(acknowledgements.map(({ receiptHash: hash }) => hash));
  const alone = plan.stages.length === 1;
  const counted = ownUnits.filter((unit) => alone || known.has(receiptHash(unit)));
  // A stop may fall inside a unit that was full before: what lies past the answer is not paid (SPEC U1).
  const claimed = plan.promptTokens + credit.generatedTokens - 1;
  const positions = counted.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, claimed) - from), 0);
  if (credit.paidPositions < positions) {
    return underpaid('positions', positions, credit.paidPositions, `the neighbour acknowledged ${positions} positions of stage ${stage} and ${credit.paidPositions} are paid`);
  }
  const tokens = leastTokens(plan, ownUnits, acceptedTo);
  if (credit.generatedTokens < tokens) {
    return underpaid('tokens', tokens, credit.generatedTokens, `stage ${stage} was accepted up to position ${plan.promptTokens + tokens - 1}, so at least ${tokens} ids were generated; ${credit.generatedTokens} are charged`);
  }
  const least = leastShare(plan, stage, credit, positions);
  if (BigInt(credit.amount) < least) return underpaid('amount', least, credit.amount, `${positions} positions of stage ${stage} come to at least ${least} base units at the signed quote; ${credit.amount} are booked`);
  return { state: 'right', least };
}

/**
 * Ids that an answer must have when a short unit ends where it does: `finish` cut it there. A full unit proves nothing, as the
 * ring may have run past a stop.
 */
function leastTokens({ promptTokens }: JobPlan, ownUnits: readonly ReceiptBody[], acceptedTo: number): number {
  const cut = ownUnits.filter(({ from, to }) => to - from < UNIT_POSITIONS).map(({ to }) => to);
  return Math.max(0, acceptedTo - promptTokens + 1, ...cut.map((to) => to - promptTokens + 1));
}

/** The share when all others are paid for all positions of the answer. */
function leastShare(plan: JobPlan, stage: number, { generatedTokens }: CreditClaim, own: number): bigint {
  const { quote, promptTokens } = plan;
  const rates = { promptToken: BigInt(quote.promptToken), generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) };
  const computed = promptTokens - reusedPositions(plan);
  const all = Math.max(0, computed + generatedTokens - 1);
  const work = plan.stages.map(({ worker, layers: [from, to] }, index) => ({ worker, layers: to - from, positions: index === stage ? own : all }));
  return charge(rates, computed, generatedTokens, work).credits[stage]?.amount ?? 0n;
}

const underpaid = (what: 'positions' | 'tokens' | 'amount', expected: number | bigint, got: number | string, message: string): CreditVerdict => ({ state: 'underpaid', what, expected: String(expected), got: String(got), message });
