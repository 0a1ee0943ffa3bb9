import type { NodeId } from '@ciro/core/ids.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { JobRunner } from './job-runner.ts';
import { COLLECT_TIMEOUT_MS, PLACEMENT_DEBOUNCE_MS } from './scheduler-limits.ts';
import { FakeStandings, FakeWorkers, jobId, models, nodeId, orderOf, relayOf } from './workers.fixture.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { JobEvent, JobOrder } from './job-order.ts';
import type { JobRunnerOptions } from './job-runner.ts';

/** Lets promises settle: signatures are made between two turns. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface Watched {
  readonly events: JobEvent[];
  error?: unknown;
  ended: boolean;
  stop(reason: 'stop' | 'cancelled'): void;
}

/** A runner over workers, links and a clock that the test moves. Workers answer probes unless they are frozen. */
export function setup(options: Partial<JobRunnerOptions> = {}, sign: CoordinatorKey['sign'] = async () => 'ab'.repeat(64)) {
  const clock = new VirtualClock();
  const workers = new FakeWorkers();
  const standings = new FakeStandings();
  const key: CoordinatorKey = { publicKey: '', sign, exportJwk: async () => ({}) };
  const runner = new JobRunner({ clock, workers, standings, models, relay: relayOf(workers), key, randomBytes: (length) => new Uint8Array(length) }, { network: 'ciro-test', ...options });
  const run = (n: number, change: Partial<JobOrder> = {}, signal = new AbortController().signal): Watched => {
    const handle = runner.run(orderOf(n, change), signal);
    const watched: Watched = { events: [], ended: false, stop: (reason) => handle.stop(reason) };
    void (async () => {
      try {
        for await (const event of handle.events) watched.events.push(event);
      } catch (error) {
        watched.error = error;
      }
      watched.ended = true;
    })();
    return watched;
  };
  const ready = (count = 3): void => {
    for (let n = 1; n <= count; n++) workers.join(n);
    clock.advance(PLACEMENT_DEBOUNCE_MS);
    workers.settle();
  };
  const ring = (job: number): NodeId[] => workers.sentOf('plan').findLast(({ signed }) => signed.plan.job === jobId(job))?.signed.plan.stages.map((stage) => stage.worker) ?? [];
  const say = (from: NodeId | undefined, message: WorkerMessage): void => workers.say(from ?? nodeId(0), message as never);
  const version = (job: number): number => workers.sentOf('plan').findLast(({ signed }) => signed.plan.job === jobId(job))?.signed.plan.version ?? 0;
  const prepare = (job: number): void => ring(job).forEach((worker) => say(worker, { type: 'prepared', job: jobId(job), version: version(job) }));
  const token = (job: number, position: number, id = 9): void => say(ring(job).at(-1), { type: 'token', job: jobId(job), version: version(job), position, id });
  const answer = (job: number): void => {
    prepare(job);
    for (let position = 2; position < 6; position++) token(job, position);
    clock.advance(COLLECT_TIMEOUT_MS);
  };
  return { clock, workers, standings, runner, run, ready, ring, version, say, prepare, token, answer };
}
export const kinds = (job: Watched): string[] => job.events.map((event) => event.type);

/** Signatures of a record are checked on other threads: a few turns, or many on a busy machine. */
export async function answeredWithin(job: Watched): Promise<void> {
  for (let turns = 0; turns < 10_000 && !job.ended; turns++) await turn();
}
