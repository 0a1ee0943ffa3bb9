import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { askNetwork } from '../../tests/support/network-question.ts';
import { percentile } from '../failover/outcome.ts';
import { JOBS_A_TRIAL, openTrials } from './ask-jobs.ts';
import { startChild } from './child-program.ts';
import { Loaded, Simulating } from './messages.ts';
import type { Door } from '../../tests/support/network-question.ts';
import type { BenchReport } from '../result.ts';

/** Enough for two rings: three stages and three spares for the first, three and one for the second. */
const WORKERS = 10;
const LAYERS = 30;
const STAGES = 3;
const ROUNDS = 5;
/** Asked for in a round, so many at a time: as many as two rings run. */
const JOBS = 24;
const AT_ONCE = 8;
const TOKENS = 32;
const LOOK_MS = 100;
const READY_MS = 60_000;

const Health = v.object({ rings: v.array(v.object({ ready: v.boolean(), running: v.number() })) });

/** Tokens a second of all answers where workers alike may make one ring, and where they make two: the same questions in turns, in two networks that run side by side. */
export async function ringThroughput(seed: number, { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void }): Promise<BenchReport['rows']> {
  await using open = new AsyncDisposableStack();
  const networks: (readonly Door[])[] = [];
  for (const rings of [1, 2]) networks.push(await openRings(rings, seed, open, signal));
  const rates: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, doors] of networks.entries()) {
      const door = doors[round];
      if (door !== undefined) rates[index]?.push(await tokensPerSecond(door, signal));
    }
    tell(`one ring ${rates[0]?.at(-1)?.toFixed(1)}, two rings ${rates[1]?.at(-1)?.toFixed(1)} tokens/s`);
  }
  const [one = [], two = []] = rates;
  const ratios = two.map((rate, round) => rate / (one[round] ?? Number.NaN));
  const row = (figure: string, value: number, unit: string): BenchReport['rows'][number] => ({ database: 'embedded database', figure, value: Number(value.toFixed(3)), unit });
  return [
    row('one ring of 10 workers alike, median', percentile(one, 0.5), 'tokens/s'),
    row('two rings of 10 workers alike, median', percentile(two, 0.5), 'tokens/s'),
    row('two rings / one, same round, least', Math.min(...ratios), 'x'),
    row('two rings / one, same round, median', percentile(ratios, 0.5), 'x'),
    row('two rings / one, same round, most', Math.max(...ratios), 'x'),
  ];
}

/** A network of so many rings, all of them ready, with a trial for every round. */
async function openRings(maxRings: number, seed: number, open: AsyncDisposableStack, signal: AbortSignal): Promise<readonly Door[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-rings-'));
  open.defer(() => rm(folder, { recursive: true, force: true }));
  const coordinator = open.use(startChild(join(import.meta.dirname, 'serve-loaded.ts'), { folder, stages: STAGES, layers: LAYERS, maxRings }, signal));
  const { url, layerBytes } = await coordinator.heard(Loaded);
  const simulation = open.use(startChild(join(import.meta.dirname, 'simulate-workers.ts'), { url, seed, workers: WORKERS, layerBytes, changeEveryMs: 0, alike: true }, signal));
  await simulation.heard(Simulating);
  for (const deadline = performance.now() + READY_MS; ; await sleep(LOOK_MS, undefined, { signal })) {
    const { rings } = v.parse(Health, await (await fetch(new URL('/health', url))).json());
    if (rings.filter(({ ready }) => ready).length === maxRings) break;
    if (performance.now() > deadline) throw new Error(`${maxRings} rings of ${WORKERS} workers were not ready within ${READY_MS / 1000} s; /health tells ${JSON.stringify(rings)}`);
  }
  return openTrials(url, ROUNDS * JOBS_A_TRIAL);
}

async function tokensPerSecond(door: Door, signal: AbortSignal): Promise<number> {
  const began = performance.now();
  let [asked, tokens] = [0, 0];
  const askOn = async (): Promise<void> => {
    while (asked < JOBS) {
      const answer = await askNetwork(door, { messages: [{ role: 'user', content: `job ${asked++}` }], maxTokens: TOKENS, signal });
      if (!answer.ok) throw new Error(`an answer failed: HTTP ${answer.status} ${answer.error.message}`);
      tokens += answer.completionTokens;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  return (tokens * 1000) / (performance.now() - began);
}
