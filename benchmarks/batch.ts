/**
 * `npm run bench -- batch [--rounds 6] [--seed 1]`: four questions over three tabs, asked one after the other, two and four at once;
 * and four at once of tabs that compute each row alone. Nothing is drafted (SPEC E5): one answer alone would be, and several would not. About six minutes.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { askTogether } from './batch/ask-together.ts';
import { QUESTIONS } from './batch/questions.ts';
import { rowsOf, valuesOf, WAYS } from './batch/report.ts';
import { figureRow } from './figures/figure.ts';
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import { BenchError } from './result.ts';
import type { Together } from './batch/ask-together.ts';
import type { Door } from '../tests/support/network-question.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const STAGES = 3;
/** One address may open ten trials in an hour, and every round takes one. */
const MAX_ROUNDS = 9;
/** One stage-job in a thousand: audits are computed by other devices; here they would take turns with the pipe on the same cores. */
const AUDIT_RATE = 0.001;

const WholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number));
const Options = v.object({ rounds: v.pipe(WholeNumber, v.minValue(1), v.maxValue(MAX_ROUNDS)), seed: WholeNumber });
const Trial = v.object({ key: v.string() });

/** Every way in every round, in an order drawn anew; a first round warms up and is not counted. Two networks stand side by side: idle tabs take no processor. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { rounds, seed } = optionsOf(args);
  say(`seed ${seed}, ${rounds} rounds`);
  // Rounds are compared with themselves, but four requests take more of a contested machine than one does: the reader has to know.
  const [busy = Number.NaN] = loadavg();
  const parts = await prepareParts(signal, say);
  await using together = await openBenchNetwork(parts, { stages: STAGES, engine: 'wasm', auditRate: AUDIT_RATE, maxDrafts: 0 });
  await using alone = await openBenchNetwork(parts, { stages: STAGES, engine: 'wasm', maxBatchJobs: 1, auditRate: AUDIT_RATE, maxDrafts: 0 });
  const random = sourceOf(seed);
  const found = new Map<string, Together[]>(WAYS.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    const doors = { together: await openTrial(together.coordinator.url), alone: await openTrial(alone.coordinator.url) };
    for (const { name, count, batches } of shuffled(WAYS, random)) {
      const result = await askTogether(batches ? together : alone, batches ? doors.together : doors.alone, shuffled(QUESTIONS, random), count, signal);
      if (round > 0) found.get(name)?.push(result);
      say(`round ${round} of ${rounds}${round === 0 ? ' (warm-up, not counted)' : ''}: ${name}: ${result.tokensPerSecond.toFixed(1)} tokens/s, batched ${result.generated.map(({ positions, batched }) => `${batched}/${positions}`).join(' ')}`);
    }
  }
  return { seeds: [seed], rows: [...rowsOf(found), figureRow('what else the machine did: load before the run, one-minute average', 'other programs', 'processes', [busy])], values: valuesOf(found), browser: parts.browser.version };
}

function optionsOf(args: readonly string[]): v.InferOutput<typeof Options> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '6' }, seed: { type: 'string', default: '1' } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError(`usage: npm run bench -- batch [--rounds N, 1 to ${MAX_ROUNDS}] [--seed N]`);
  return parsed.output;
}

/** A key with credits of its own. */
async function openTrial(url: string): Promise<Door> {
  const response = await fetch(new URL('/v1/trial', url), { method: 'POST' });
  return { url, trialKey: v.parse(Trial, await response.json()).key };
}

/** A linear congruential generator (Numerical Recipes): orders only. */
function sourceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
}

/** The same values in an order drawn from `random`. */
function shuffled<Value>(values: readonly Value[], random: (below: number) => number): Value[] {
  const order: Value[] = [];
  for (const value of values) order.splice(random(order.length + 1), 0, value);
  return order;
}
