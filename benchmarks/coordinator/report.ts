import { megabytes } from '../figures/figure.ts';
import { percentile } from '../failover/outcome.ts';
import type { BenchReport } from '../result.ts';
import type { Load } from './ask-jobs.ts';
import type { LoadedReport, SimulationReport } from './messages.ts';

type Memory = { readonly residentBytes: number; readonly peakBytes: number };

/** What one run of the load gave. */
export interface LoadedRun {
  readonly database: string;
  /** Jobs asked for. */
  readonly perHour: number;
  readonly workers: number;
  readonly joinSeconds: number;
  /** While workers joined. */
  readonly joining: LoadedReport;
  readonly load: Load;
  /** While jobs came. */
  readonly served: LoadedReport;
  readonly simulated: SimulationReport;
  /** Before the first job, and after the last. */
  readonly idle: Memory;
  readonly memory: Memory;
}

const HOUR_S = 3_600;
const P99 = 0.99;

/** One line a figure. */
export function rowsOf(run: LoadedRun): BenchReport['rows'] {
  const { database, load, served, joining, simulated, memory, idle } = run;
  const row = (figure: string, value: number, unit: string): BenchReport['rows'][number] => ({ database, figure, value: Number.isFinite(value) ? Number(value.toFixed(3)) : '–', unit });
  const spread = (figure: string, values: readonly number[], unit = 'ms'): BenchReport['rows'] => [row(`${figure}, p50`, percentile(values, 0.5), unit), row(`${figure}, p99`, percentile(values, P99), unit), row(`${figure}, most`, percentile(values, 1), unit)];
  const ok = load.asked.filter(({ answer }) => answer.ok);
  return [
    row('workers held to the end', simulated.connected, 'workers'),
    row('of them with layers, in a ring or standing by', simulated.holding, 'workers'),
    row('of them that computed for a job', simulated.served, 'workers'),
    row('left while jobs came', simulated.left, 'workers'),
    row('connections that failed and were tried again', simulated.failedAttempts, 'connections'),
    row('all joined after', run.joinSeconds, 's'),
    ...spread('placement while they join', joining.placementMs),
    row('event loop late while they join, p99', joining.loopP99Ms, 'ms'),
    row('jobs answered', ok.length, 'jobs'),
    row('jobs lost', load.asked.length - ok.length, 'jobs'),
    row('jobs answered an hour', jobsAnHour(run), 'jobs/h'),
    ...spread('decision: a job given its ring', served.jobMs),
    row('placements while jobs came', served.placementMs.length, 'placements'),
    ...spread('decision: a placement', served.placementMs),
    ...spread('set-up: order to all prepared', served.setUpMs),
    ...spread('of it waiting for a turn', served.waitedMs),
    ...spread('asked to first text, seen by the client', ok.flatMap(({ firstTextMs }) => firstTextMs ?? [])),
    ...spread('asked to end', ok.map(({ askedMs, endMs }) => endMs - askedMs)),
    ...spread('machine: processes that wanted one of its cores', load.busy, 'processes'),
    ...spread('jobs waiting', load.queue, 'jobs'),
    ...spread('jobs running', load.running, 'jobs'),
    ...spread('rings ready', load.rings, 'rings'),
    row('rings ready, least', Math.min(...load.rings), 'rings'),
    row('rings that served a job', run.simulated.rings, 'rings'),
    row('event loop late, p99', served.loopP99Ms, 'ms'),
    row('event loop late, most', served.loopMostMs, 'ms'),
    row('coordinator resident before the jobs', megabytes(idle.residentBytes), 'MB'),
    row('coordinator resident after them', megabytes(memory.residentBytes), 'MB'),
    row('coordinator resident, peak', megabytes(memory.peakBytes), 'MB'),
    row('coordinator of one core', served.cpuSeconds / served.wallSeconds, 'cores'),
    row('simulated workers of one core', simulated.cpuSeconds / simulated.wallSeconds, 'cores'),
    row('dropped or refused messages', Object.values(simulated.complaints).reduce((sum, count) => sum + count, 0), 'messages'),
  ];
}

const decisions = ({ served }: LoadedRun): readonly number[] => [...served.jobMs, ...served.placementMs];
const jobsAnHour = ({ load }: LoadedRun): number => (load.asked.filter(({ answer }) => answer.ok).length * HOUR_S) / load.seconds;

/** Of several databases the worst. */
export function valuesOf(runs: readonly LoadedRun[]): BenchReport['values'] {
  const most = (value: (run: LoadedRun) => number): number => Math.max(...runs.map(value));
  const least = (value: (run: LoadedRun) => number): number => Math.min(...runs.map(value));
  return {
    decision_p99_ms: most((run) => percentile(decisions(run), P99)),
    jobs_per_hour: least(jobsAnHour),
    workers_held: least(({ simulated }) => simulated.connected),
    setup_ms: most(({ served }) => percentile(served.setUpMs, P99)),
  };
}
