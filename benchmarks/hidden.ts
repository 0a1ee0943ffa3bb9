/**
 * `npm run bench -- hidden [--pairs 40] [--minutes 6]`: tokens/s of a ring of three tabs, all hidden and all in front in turns within one answer, in a
 * browser that nobody automates: raw devtools protocol, another tab of the same window in front, timers proven to be throttled. Then once
 * more after the tabs were hidden for so long that browsers begin to freeze. About fifteen minutes.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { greedyVector } from '../tests/support/network-vectors.ts';
import { figureRow } from './figures/figure.ts';
import { sliceAnswer } from './hidden/answer-slices.ts';
import { openHiddenNetwork } from './hidden/hidden-network.ts';
import { prepareParts } from './network/bench-network.ts';
import { BenchError } from './result.ts';
import type { HiddenNetwork, Sight } from './hidden/hidden-network.ts';
import type { SlicePair } from './hidden/answer-slices.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

/** Its greedy answer repeats itself, so it is as long as it is allowed to be. */
const { messages } = greedyVector('explicit system');
const TOKENS = 300;
const LATE_TOKENS = 24;
/** A hidden page whose timers fire more often than this a second is not throttled: then nothing is measured here. Browsers give one. */
const MOST_HIDDEN_TIMERS = 3;
/** One that fires less often in front is on a machine too busy to tell anything. */
const LEAST_VISIBLE_TIMERS = 20;

const WholeNumber = v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number));
const Options = v.object({ pairs: v.pipe(WholeNumber, v.minValue(2)), minutes: WholeNumber });

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Nothing random is used; answers are greedy. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { pairs: { type: 'string', default: '40' }, minutes: { type: 'string', default: '6' } } });
  const options = v.safeParse(Options, values);
  if (!options.success) throw new BenchError('usage: npm run bench -- hidden [--pairs N, at least 2] [--minutes N]');
  const parts = await prepareParts(signal, say);
  await using network = await openHiddenNetwork(parts);
  const timers = await throttled(network);
  const pairs: SlicePair[] = [];
  const load: number[] = [];
  while (pairs.length < options.output.pairs) {
    load.push(loadavg()[0] ?? Number.NaN);
    const more = await sliceAnswer(network, { messages, maxTokens: TOKENS }, signal);
    if (more.length === 0) throw new Error(`an answer of ${TOKENS} tokens was over before the tabs were turned twice`);
    pairs.push(...more);
    say(`${pairs.length} of ${options.output.pairs} pairs: ${more.map(({ visible, hidden }) => `${visible.toFixed(1)}/${hidden.toFixed(1)}`).join(', ')} tokens/s in front/hidden`);
  }
  const late = await afterMinutes(network, options.output.minutes, signal);
  const ratios = pairs.map(({ visible, hidden }) => hidden / visible);
  return {
    seeds: [],
    rows: [
      figureRow('timers of 10 ms', 'three tabs in front', '1/s', timers.visible),
      figureRow('timers of 10 ms', 'three tabs hidden', '1/s', timers.hidden),
      figureRow('tokens/s, greedy', 'three tabs in front', '1/s', pairs.map(({ visible }) => visible)),
      figureRow('tokens/s, greedy', 'three tabs hidden', '1/s', pairs.map(({ hidden }) => hidden)),
      // Chromium gives threads of hidden pages less of a processor that others want, too: without others nothing is lost by it.
      figureRow('load average of a minute', 'this machine, before each answer', '', load),
      figureRow('hidden over in front, pair by pair', 'three tabs', 'x', ratios),
      ...late,
    ],
    // Of all tokens, in the same time: a stretch on a busy machine has too few for a ratio of its own.
    values: { ratio: sum(pairs.map(({ hidden }) => hidden)) / sum(pairs.map(({ visible }) => visible)) },
    browser: parts.browser.version,
  };
}

/** Timers of each tab in both sights. Throws where a hidden tab is not what people have. */
async function throttled(network: HiddenNetwork): Promise<Record<Sight, readonly number[]>> {
  await network.turn('visible');
  const visible = await network.timers();
  await network.turn('hidden');
  const hidden = await network.timers();
  if (Math.max(...hidden) > MOST_HIDDEN_TIMERS || Math.min(...visible) < LEAST_VISIBLE_TIMERS) {
    throw new Error(`timers fire ${visible.join(', ')} times a second in front and ${hidden.join(', ')} times hidden: this browser does not hide tabs as it does for people`);
  }
  return { visible, hidden };
}

/** An answer of tabs that nobody has looked at for so long, and one right after they were shown. */
async function afterMinutes(network: HiddenNetwork, minutes: number, signal: AbortSignal) {
  if (minutes === 0) return [];
  await network.turn('hidden');
  await sleep(minutes * 60_000, undefined, { signal });
  const timers = await network.timers();
  const { tokens_per_second: hidden } = await network.ask({ messages, maxTokens: LATE_TOKENS });
  await network.turn('visible');
  const { tokens_per_second: visible } = await network.ask({ messages, maxTokens: LATE_TOKENS });
  const of = `three tabs, hidden for ${minutes} minutes`;
  return [figureRow('timers of 10 ms', of, '1/s', timers), figureRow('tokens/s, greedy', of, '1/s', [hidden]), figureRow('tokens/s, greedy', 'the same tabs, shown again', '1/s', [visible])];
}
