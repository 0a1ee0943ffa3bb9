/**
 * `npm run bench -- memory [--jobs 50] [--positions 20000]`: resident memory of the renderer of a tab that holds a whole model as one stage, over
 * jobs one after the other. A job sets its own cache and rows aside and gives them back; what stays is what this looks for. About eight minutes.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { browserStatus } from '../tests/support/browser-status.ts';
import { answerOf } from '../tests/support/network-question.ts';
import { figureRow, median, megabytes } from './figures/figure.ts';
import { slopeOf } from './memory/slope.ts';
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import { openTrial } from './network/open-trial.ts';
import { BenchError } from './result.ts';
import type { Door } from '../tests/support/network-question.ts';
import type { BenchNetwork } from './network/bench-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const CORPUS = new URL('../signaling/src/models/calibration-corpus.txt', import.meta.url);
/** About 570 tokens of a prompt; where the next one begins is no multiple of anything, so no two are alike. */
const PROMPT_CHARACTERS = 1_600;
const PROMPT_STRIDE = 977;
const ANSWER_TOKENS = 24;
/** A trial's 2,000 credits last for ten such jobs. */
const JOBS_PER_TRIAL = 9;
/** As benchmarks/pipeline-memory.ts: a browser collects what loading left behind when a tab has been quiet for a while. */
const SETTLE_MS = 20_000;
/** Jobs at either end whose middle values are set beside the slope. */
const ENDS = 10;

interface Reading {
  readonly positions: number;
  readonly residentMb: number;
  readonly heldMb: number;
}

/** Nothing random is used: prompts are pieces of a text in a fixed order, answers are greedy. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { jobs: { type: 'string', default: '50' }, positions: { type: 'string', default: '20000' } } });
  const [leastJobs, leastPositions] = [Number(values.jobs), Number(values.positions)];
  if (![leastJobs, leastPositions].every((value) => Number.isSafeInteger(value) && value > 1)) throw new BenchError('usage: npm run bench -- memory [--jobs N] [--positions N]');
  const parts = await prepareParts(signal, say);
  await using network = await openBenchNetwork(parts, { stages: 1, engine: 'wasm' });
  const corpus = await readFile(CORPUS, 'utf8');
  const doors: Door[] = [];
  const ask = async (job: number): Promise<number> => {
    const door = (doors[Math.floor(job / JOBS_PER_TRIAL)] ??= await openTrial(network.coordinator.url));
    const at = (job * PROMPT_STRIDE) % (corpus.length - PROMPT_CHARACTERS);
    const { evidence } = await answerOf(door, { messages: [{ role: 'user', content: corpus.slice(at, at + PROMPT_CHARACTERS) }], maxTokens: ANSWER_TOKENS, signal });
    return evidence.prompt_tokens + evidence.token_ids.length - 1;
  };
  // The code of a job is compiled with the first one.
  await ask(0);
  await sleep(SETTLE_MS, undefined, { signal });
  const readings: Reading[] = [await read(network, 0)];
  let positions = 0;
  for (let job = 1; job <= leastJobs || positions < leastPositions; job++) {
    positions += await ask(job);
    readings.push(await read(network, positions));
    if (job % 5 === 0) say(`job ${job}, ${positions} positions: ${readings.at(-1)?.residentMb.toFixed(1)} MB resident, ${readings.at(-1)?.heldMb.toFixed(1)} MB of them held by the engine`);
  }
  const resident = readings.map(({ residentMb }) => residentMb);
  return {
    seeds: [],
    rows: [
      figureRow('renderer, resident', 'after each job, the first before them', 'MB', resident),
      figureRow('engine, weights and caches', 'after each job, the first before them', 'MB', readings.map(({ heldMb }) => heldMb)),
      figureRow('positions', 'computed so far', '', readings.map((reading) => reading.positions)),
      figureRow('growth', `middle of the last ${ENDS} readings less that of the first ${ENDS}`, 'MB', [median(resident.slice(-ENDS)) - median(resident.slice(0, ENDS))]),
    ],
    values: { positions, jobs: readings.length - 1, slope_mb_per_1000: slopeOf(readings.map((reading) => [reading.positions / 1_000, reading.residentMb])) },
    browser: parts.browser.version,
  };
}

async function read({ volunteers }: BenchNetwork, positions: number): Promise<Reading> {
  const [page] = volunteers.pages;
  const [memory] = await volunteers.memory();
  if (page === undefined || memory === undefined) throw new Error('the memory of a renderer can be read on Linux only, and while it runs');
  return { positions, residentMb: megabytes(memory.residentBytes), heldMb: megabytes((await browserStatus(page)).memory.held_bytes) };
}
