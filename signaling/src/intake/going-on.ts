import { price } from '@ciro/core/pricing/price.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { SchedulerError } from '../scheduler/scheduler-error.ts';

/** What an order that moved leaves for the one that goes on. */
export interface Moved {
  /** Ids that were given out. */
  readonly ids: readonly number[];
  /** Text of the whole answer so far. */
  readonly text: string;
  /** What the stage was lost by. */
  readonly lost: SchedulerError | undefined;
}

/**
 * The order that goes on with an answer whose ring lost a stage (SPEC G2): everything so far is its prompt, for which nothing is
 * charged again. A worker that left may serve it when it is back; one whose engine failed may not, nor
 * may two of which one says that the other sent it what is wrong.
 */
export function continuationOf(order: JobOrder, { ids, lost }: Pick<Moved, 'ids' | 'lost'>, job: JobId): JobOrder {
  const { promptIds, quote } = order;
  const maxTokens = order.maxTokens - ids.length;
  const rates = { promptToken: 0n, generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) };
  const prompt = Uint32Array.from([...promptIds, ...ids]);
  const failed = lost?.code === 'fault' ? [lost.fields['worker'], lost.fields['neighbour']].filter((each) => each !== undefined) as NodeId[] : [];
  return {
    ...order,
    job,
    promptIds: prompt,
    ...(ids.length > 0 && { drawnFrom: order.drawnFrom ?? promptIds.length }),
    maxTokens,
    quote: { ...quote, promptToken: '0', hold: String(price(rates, prompt.length, maxTokens)) },
    // The client's nonce was for the first job's draw.
    requesterNonce: null,
    exclude: [...new Set([...order.exclude, ...failed])],
    continues: order.job,
  };
}
