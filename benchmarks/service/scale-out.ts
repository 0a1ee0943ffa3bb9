import { setTimeout as sleep } from 'node:timers/promises';
import { askNetwork } from '../../tests/support/network-question.ts';
import { startPostgres } from '@ciro/tests/support/postgres-server.ts';
import { JOBS_A_TRIAL, openTrials } from '../coordinator/ask-jobs.ts';
import { BEGIN, LoadedReport, REPORT, SimulationReport } from '../coordinator/messages.ts';
import { newDatabase } from './new-database.ts';
import { openInstances } from './instances.ts';
import { keepAsking } from './keep-asking.ts';
import type { Instances } from './instances.ts';
import type { BenchReport } from '../result.ts';

/** Of one core, each: so that two of them and everybody who asks have room on two. */
const CORES = 0.4;
/** Two homes with rings (SPEC Z2). */
const WORKERS = 64;
const TOKENS = 8;
/** Questions that are always under way: a third of them left two processes a quarter of what they may use. */
const AT_ONCE = 96;
const WARM_MS = 15_000;
const MEASURED_MS = 60_000;
/** More than are asked in WARM_MS and MEASURED_MS. */
const MOST_JOBS = 2_000;
/** Answers under way when an instance is killed, long enough for that. */
const KEPT = 24;
const KEPT_TOKENS = 60;
const KILL_AFTER_MS = 3_000;

interface Throughput {
  readonly jobsPerSecond: number;
  readonly failed: number;
  readonly coordinatorCores: readonly number[];
  readonly workerCores: number;
}

/** What two coordinators over one database give over one, each with CORES of a core, and what becomes of answers when one of two is killed. */
export async function scaleOut(seed: number, { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void }): Promise<Pick<BenchReport, 'rows' | 'values'>> {
  const server = await startPostgres();
  if ('missing' in server) return { rows: [], values: { two_over_one: { notMeasured: server.missing }, lost_when_killed: { notMeasured: server.missing } } };
  await using _open = server;
  const one = await throughput(server.url, 1, seed, signal);
  tell(`one coordinator: ${one.jobsPerSecond.toFixed(2)} jobs/s with ${one.coordinatorCores.map((cores) => cores.toFixed(2)).join(', ')} cores`);
  const two = await throughput(server.url, 2, seed, signal);
  tell(`two coordinators: ${two.jobsPerSecond.toFixed(2)} jobs/s with ${two.coordinatorCores.map((cores) => cores.toFixed(2)).join(', ')} cores`);
  const killed = await killOne(server.url, seed, signal);
  tell(`one of two killed: ${killed.lost} of ${KEPT} answers lost, ${killed.broken} streams broke, ${killed.seconds.toFixed(1)} s until all were whole`);
  const row = (figure: string, value: number, unit: string): BenchReport['rows'][number] => ({ part: 'scale-out', figure, value: Number(value.toFixed(3)), unit });
  const rows = [
    ...[one, two].flatMap((each, index) => [
      row(`${index + 1} of them: jobs answered`, each.jobsPerSecond, 'jobs/s'),
      row(`${index + 1} of them: jobs that failed`, each.failed, 'jobs'),
      ...each.coordinatorCores.map((cores, which) => row(`${index + 1} of them: coordinator ${which + 1}`, cores, 'cores')),
      row(`${index + 1} of them: simulated workers`, each.workerCores, 'cores'),
    ]),
    row('two / one', two.jobsPerSecond / one.jobsPerSecond, 'x'),
    row('one of two killed: answers under way', KEPT, 'answers'),
    row('one of two killed: streams that broke and were read on', killed.broken, 'streams'),
    row('one of two killed: until the last answer was whole', killed.seconds, 's'),
  ];
  return { rows, values: { two_over_one: two.jobsPerSecond / one.jobsPerSecond, lost_when_killed: killed.lost } };
}

async function throughput(serverUrl: string, count: number, seed: number, signal: AbortSignal): Promise<Throughput> {
  await using open = new AsyncDisposableStack();
  const instances = await openInstances({ count, cores: CORES, workers: WORKERS, seed, databaseUrl: await newDatabase(serverUrl) }, open, signal);
  const doors = (await Promise.all(instances.urls.map((url) => openTrials(url, MOST_JOBS / count)))).flat();
  let [asked, answered, failed] = [0, 0, 0];
  const ending = new AbortController();
  const askOn = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // A trial after the other of each instance, so that each is asked as often.
      const index = asked++;
      const door = doors[((index % count) * (doors.length / count) + Math.floor(index / count / JOBS_A_TRIAL)) % doors.length];
      if (door === undefined) throw new Error('there are no more trials');
      const answer = await askNetwork(door, { messages: [{ role: 'user', content: `job ${index}` }], maxTokens: TOKENS, signal });
      if (answer.ok) answered++;
      else failed++;
    }
  };
  const asking = Promise.all(Array.from({ length: AT_ONCE }, askOn));
  await sleep(WARM_MS, undefined, { signal });
  for (const child of [...instances.coordinators, instances.simulation]) await child.tell(BEGIN);
  const [begun, before] = [performance.now(), answered];
  await sleep(MEASURED_MS, undefined, { signal });
  const jobsPerSecond = ((answered - before) * 1_000) / (performance.now() - begun);
  const reports = await reportsOf(instances);
  ending.abort();
  await asking;
  return { jobsPerSecond, failed, ...reports };
}

async function killOne(serverUrl: string, seed: number, signal: AbortSignal): Promise<{ readonly lost: number; readonly broken: number; readonly seconds: number }> {
  await using open = new AsyncDisposableStack();
  const instances = await openInstances({ count: 2, cores: CORES, workers: WORKERS, seed, databaseUrl: await newDatabase(serverUrl) }, open, signal);
  const keys = await openTrials(instances.urls[0] ?? '', KEPT * JOBS_A_TRIAL);
  const asking = keys.slice(0, KEPT).map(({ trialKey }, index) => {
    // Each begins at another one; a key of one is good at both.
    const doors = instances.urls.map((url) => ({ url, trialKey }));
    return keepAsking(index % 2 === 0 ? doors : doors.toReversed(), { content: `job ${index}`, maxTokens: KEPT_TOKENS, signal });
  });
  await sleep(KILL_AFTER_MS, undefined, { signal });
  const killedAt = performance.now();
  instances.coordinators[0]?.kill();
  const ended = await Promise.allSettled(asking);
  const whole = ended.flatMap((each) => (each.status === 'fulfilled' && each.value.finish === 'length' ? [each.value] : []));
  return { lost: KEPT - whole.length, broken: whole.reduce((sum, { breaks }) => sum + Math.min(1, breaks), 0), seconds: (performance.now() - killedAt) / 1_000 };
}

async function reportsOf({ coordinators, simulation }: Instances): Promise<Pick<Throughput, 'coordinatorCores' | 'workerCores'>> {
  for (const child of [...coordinators, simulation]) await child.tell(REPORT);
  const cores = ({ cpuSeconds, wallSeconds }: { readonly cpuSeconds: number; readonly wallSeconds: number }): number => cpuSeconds / wallSeconds;
  const coordinatorCores: number[] = [];
  for (const child of coordinators) coordinatorCores.push(cores(await child.heard(LoadedReport)));
  return { coordinatorCores, workerCores: cores(await simulation.heard(SimulationReport)) };
}
