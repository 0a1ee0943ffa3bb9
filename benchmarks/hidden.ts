/**
 * `npm run bench -- hidden [--rounds 10]`: tokens/s of a ring of three tabs, all hidden and all in front in turns, in a browser that nobody
 * automates: raw devtools protocol, another tab of the same window in front, timers proven to be throttled. About four minutes.
 */
import { parseArgs } from 'node:util';
import { greedyVector } from '../tests/support/network-vectors.ts';
import { figureRow, median } from './figures/figure.ts';
import { openHiddenNetwork } from './hidden/hidden-network.ts';
import { prepareParts } from './network/bench-network.ts';
import { BenchError } from './result.ts';
import type { Sight } from './hidden/hidden-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

/** Its greedy answer repeats itself, so it is as long as it is allowed to be. */
const QUESTION = greedyVector('explicit system');
const TOKENS = 96;
/** A hidden page whose timers fire more often than this a second is not throttled: then nothing is measured here. Browsers give one. */
const MOST_HIDDEN_TIMERS = 3;
/** One that fires less often in front is on a machine too busy to tell anything. */
const LEAST_VISIBLE_TIMERS = 20;

/** Rounds of both kinds alternate, the first of each pair in turns, so that what the machine does besides falls on both alike. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '10' } } });
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 2) throw new BenchError('usage: npm run bench -- hidden [--rounds N, at least 2]');
  const parts = await prepareParts(signal, say);
  await using network = await openHiddenNetwork(parts);
  const timers: Record<Sight, number[]> = { visible: [], hidden: [] };
  for (const sight of ['visible', 'hidden'] as const) {
    await network.turn(sight);
    timers[sight].push(...(await network.timers()));
  }
  if (Math.max(...timers.hidden) > MOST_HIDDEN_TIMERS || Math.min(...timers.visible) < LEAST_VISIBLE_TIMERS) {
    throw new Error(`timers fire ${timers.visible.join(', ')} times a second in front and ${timers.hidden.join(', ')} times hidden: this browser does not hide tabs as it does for people`);
  }
  const rates: Record<Sight, number[]> = { visible: [], hidden: [] };
  const answer = async (sight: Sight): Promise<number> => {
    await network.turn(sight);
    const { tokens_per_second: rate, token_ids: ids } = await network.ask({ messages: QUESTION.messages, maxTokens: TOKENS });
    if (ids.length !== TOKENS) throw new Error(`an answer has ${ids.length} tokens instead of ${TOKENS}`);
    return rate;
  };
  // What is compiled and cached at first is in neither kind.
  await answer('visible');
  await answer('hidden');
  for (let round = 0; round < rounds; round++) {
    for (const sight of round % 2 === 0 ? (['visible', 'hidden'] as const) : (['hidden', 'visible'] as const)) rates[sight].push(await answer(sight));
    say(`round ${round + 1} of ${rounds}: ${rates.visible.at(-1)?.toFixed(2)} tokens/s in front, ${rates.hidden.at(-1)?.toFixed(2)} hidden`);
  }
  const pairs = rates.hidden.map((rate, round) => rate / (rates.visible[round] ?? Number.NaN));
  return {
    seeds: [],
    rows: [
      figureRow('timers of 10 ms', 'three tabs in front', '1/s', timers.visible),
      figureRow('timers of 10 ms', 'three tabs hidden', '1/s', timers.hidden),
      figureRow(`tokens/s, ${TOKENS} tokens greedy`, 'three tabs in front', '1/s', rates.visible),
      figureRow(`tokens/s, ${TOKENS} tokens greedy`, 'three tabs hidden', '1/s', rates.hidden),
      figureRow('hidden over in front, round by round', 'three tabs', 'x', pairs),
    ],
    values: { ratio: median(pairs) },
    browser: parts.browser.version,
  };
}
