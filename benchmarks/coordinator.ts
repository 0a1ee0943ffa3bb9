/**
 * `npm run bench -- coordinator [--minutes 5] [--workers 1000] [--jobs-per-hour 10000] [--seed 1]`: the real coordinator with its embedded
 * database, and on PostgreSQL where there is one, holds simulated workers over real sockets and schedules jobs that come by chance. `--part rings` alone: what two
 * rings give over one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { drawArrivals } from './coordinator/arrivals.ts';
import { askJobs, openTrials } from './coordinator/ask-jobs.ts';
import { startChild } from './coordinator/child-program.ts';
import { BEGIN, Loaded, LoadedReport, REPORT, Simulating, SimulationReport } from './coordinator/messages.ts';
import { rowsOf, valuesOf } from './coordinator/report.ts';
import { ringThroughput } from './coordinator/ring-throughput.ts';
import { startPostgres } from '@ciro/tests/support/postgres-server.ts';
import { BenchError } from './result.ts';
import type { LoadedRun } from './coordinator/report.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const STAGES = 3;
/** Of the fabricated model: as many as the default one. */
const LAYERS = 30;
/** Length of answers, drawn evenly. */
const TOKENS = [8, 8] as const;
/** A worker leaves and another comes this often. */
const CHANGE_EVERY_MS = 5_000;
/** Asked for above the rate that is judged: the time until the last answer is over counts, too. */
const OVER = 1.02;
const MINUTE_MS = 60_000;
const NOT_LOADED: BenchReport['values'] = Object.fromEntries(['decision_p99_ms', 'jobs_per_hour', 'workers_held', 'setup_ms'].map((bar) => [bar, { notMeasured: 'without the load of --part load' }]));

const WholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number), v.minValue(1));
const Options = v.object({ minutes: WholeNumber, workers: WholeNumber, 'jobs-per-hour': WholeNumber, seed: WholeNumber, database: v.picklist(['all', 'embedded', 'postgresql']), part: v.picklist(['all', 'load', 'rings']), profile: v.optional(v.string()) });
type Options = v.InferOutput<typeof Options>;

/** Runs the load once for each database. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const options = optionsOf(args);
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  const runs: LoadedRun[] = [];
  const rings = options.part === 'load' ? [] : await ringThroughput(options.seed, { signal, tell });
  if (options.part === 'rings') return { seeds: [options.seed], rows: rings, values: NOT_LOADED };
  if (options.database !== 'postgresql') runs.push(await loaded('embedded database', options, undefined, { signal, tell }));
  if (options.database !== 'embedded') {
    const server = await startPostgres();
    if ('missing' in server) tell(`not on PostgreSQL: ${server.missing}`);
    else {
      await using open = server;
      runs.push(await loaded('PostgreSQL', options, open.url, { signal, tell }));
    }
  }
  return { seeds: [options.seed], rows: [...runs.flatMap(rowsOf), ...rings], values: valuesOf(runs) };
}

function optionsOf(args: readonly string[]): Options {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({ args: [...args], options: { minutes: text('5'), workers: text('1000'), 'jobs-per-hour': text('10000'), seed: text('1'), database: text('all'), part: text('all'), profile: { type: 'string' } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError('usage: npm run bench -- coordinator [--minutes N] [--workers N] [--jobs-per-hour N] [--seed N] [--database all|embedded|postgresql] [--part all|load|rings] [--profile FOLDER]');
  return parsed.output;
}

async function loaded(database: string, options: Options, databaseUrl: string | undefined, { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void }): Promise<LoadedRun> {
  const { minutes, workers, 'jobs-per-hour': perHour, seed, profile } = options;
  await using open = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ciro-load-'));
  open.defer(() => rm(folder, { recursive: true, force: true }));
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const coordinator = open.use(startChild(join(import.meta.dirname, 'coordinator', 'serve-loaded.ts'), { folder, stages: STAGES, layers: LAYERS, ...(databaseUrl && { databaseUrl }) }, signal, profiling));
  const { url, layerBytes } = await coordinator.heard(Loaded);
  tell(`${database}: ${workers} workers join, seed ${seed}`);
  const simulation = open.use(startChild(join(import.meta.dirname, 'coordinator', 'simulate-workers.ts'), { url, seed, workers, layerBytes, changeEveryMs: CHANGE_EVERY_MS }, signal));
  const { seconds: joinSeconds } = await simulation.heard(Simulating);
  await coordinator.tell(REPORT);
  const joining = await coordinator.heard(LoadedReport);
  const idle = await coordinator.memory();
  tell(`joined in ${joinSeconds.toFixed(1)} s; ${joining.placementMs.length} placements, the longest ${Math.max(0, ...joining.placementMs).toFixed(1)} ms`);

  const arrivals = drawArrivals(seed, { perHour: OVER * perHour, forMs: minutes * MINUTE_MS, tokens: TOKENS });
  const doors = await openTrials(url, arrivals.length);
  for (const child of [coordinator, simulation]) await child.tell(BEGIN);
  const load = await askJobs(doors, arrivals, signal);
  for (const child of [coordinator, simulation]) await child.tell(REPORT);
  const [served, simulated, memory] = [await coordinator.heard(LoadedReport), await simulation.heard(SimulationReport), await coordinator.memory()];
  tell(`${database}: ${load.asked.length} jobs in ${load.seconds.toFixed(1)} s`);
  return { database, perHour, workers, joinSeconds, joining, idle, load, served, simulated, memory };
}
