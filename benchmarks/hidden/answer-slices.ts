import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkQuestion } from '../../tests/support/network-question.ts';
import type { HiddenNetwork, Sight } from './hidden-network.ts';

/** One stretch of an answer during which the tabs stay as they are… */
const SLICE_MS = 4_000;
/** …of which the beginning is left out: a tab was being turned. */
const TURNING_MS = 500;
/** The answer's own beginning, left out: code is compiled. */
const WARM_MS = 5_000;

/** Tokens a second in front and hidden, one beside the other in time. */
export interface SlicePair {
  readonly visible: number;
  readonly hidden: number;
}

/**
 * Turns all tabs of a ring over and over while it answers, and gives the rate of each stretch by its sight: in front, hidden; hidden, in front;
 * and so on, so that what the machine does besides, and the growing cache, falls on both alike. Ends with the answer.
 */
export async function sliceAnswer(network: HiddenNetwork, question: NetworkQuestion, signal: AbortSignal): Promise<readonly SlicePair[]> {
  const times: number[] = [];
  let over = false;
  const answer = network.ask({ ...question, onText: () => void times.push(performance.now()) }).finally(() => (over = true));
  const turns = (async () => {
    const pairs: SlicePair[] = [];
    await sleep(WARM_MS, undefined, { signal });
    for (let pair = 0; !over; pair++) {
      const rates: Partial<Record<Sight, number>> = {};
      for (const sight of pair % 2 === 0 ? (['visible', 'hidden'] as const) : (['hidden', 'visible'] as const)) {
        await network.turn(sight);
        const from = performance.now() + TURNING_MS;
        const to = from + SLICE_MS;
        await sleep(TURNING_MS + SLICE_MS, undefined, { signal });
        rates[sight] = (1_000 * times.filter((at) => at >= from && at < to).length) / SLICE_MS;
      }
      const { visible, hidden } = rates;
      // The last stretch may reach beyond the answer.
      if (!over && visible !== undefined && hidden !== undefined) pairs.push({ visible, hidden });
    }
    return pairs;
  })();
  const [pairs] = await Promise.all([turns, answer]);
  return pairs;
}
