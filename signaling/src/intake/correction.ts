import { price } from '@ciro/core/pricing/price.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobOrder, JobRecord } from '../scheduler/job-order.ts';
import type { Assurance } from './chat-request.ts';
import type { AuditOutcome } from './ports.ts';

/** How often one answer is done again: each time at least one worker is excluded, and each time the requester waits as long as for an answer. */
export const MAX_CORRECTIONS = 3;

/** What is wrong with an answer after its audits. */
export interface Fault {
  /** Ids that were drawn at positions before this one stay; 0 keeps none. */
  readonly firstBadPosition: number;
  /** Workers that must not do it again. */
  readonly workers: readonly NodeId[];
}

/**
 * What is wrong with an answer; undefined when nothing is. A stage fails by a quorum. For a `checked` answer a stage that could
 * not be decided is no better: its text must not be given out, but its worker is only passed over this once, not convicted.
 */
export function faultOf(record: JobRecord, { stages }: AuditOutcome, assurance: Assurance): Fault | undefined {
  const bad = stages.flatMap(({ status, firstBadPosition }, stage) => {
    const worker = record.stages[stage]?.worker;
    const wrong = status === 'failed' || (assurance === 'checked' && status === 'unpaid');
    return wrong && worker !== undefined ? [{ worker, from: status === 'failed' ? (firstBadPosition ?? 0) : 0 }] : [];
  });
  if (bad.length === 0) return undefined;
  return { firstBadPosition: Math.min(...bad.map(({ from }) => from)), workers: bad.map(({ worker }) => worker) };
}

/**
 * The order that does an answer again from its first bad unit on: the prompt and the ids that stay, at the rates of the same
 * quote. Positions and the sampler's seed are absolute (SPEC S2), so honest workers draw the ids that the first ones should have.
 * With a repetition penalty it begins at the prompt: the penalty is over the ids that one plan generated, and a plan has no way to
 * name earlier ones.
 */
export function correctionOf(order: JobOrder, record: JobRecord, fault: Fault, job: JobId): JobOrder {
  const { promptIds, quote, sampler } = order;
  // Id n was drawn at position promptIds.length - 1 + n. One that follows a bad position is never kept, so the last one is not.
  const drawn = Math.max(0, fault.firstBadPosition - (promptIds.length - 1));
  const kept = sampler.repetitionPenalty === 1 ? Math.max(0, Math.min(drawn, record.tokenIds.length - 1)) : 0;
  const prompt = Uint32Array.from([...promptIds, ...record.tokenIds.slice(0, kept)]);
  const maxTokens = order.maxTokens - kept;
  const rates = { promptToken: BigInt(quote.promptToken), generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) };
  return {
    ...order,
    job,
    promptIds: prompt,
    maxTokens,
    quote: { ...quote, hold: String(price(rates, prompt.length, maxTokens)) },
    // The client's nonce was for the first job's draw.
    requesterNonce: null,
    exclude: [...new Set([...order.exclude, ...fault.workers])],
    reuses: false,
    continues: null,
  };
}
