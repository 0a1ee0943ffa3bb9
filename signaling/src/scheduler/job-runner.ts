import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { MAX_JOB_UNITS } from '@ciro/core/protocol/limits.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import { inFairOrder } from './fair-order.ts';
import { JobEvents } from './job-events.ts';
import { KeptCaches } from './kept-caches.ts';
import { RingPool } from './ring-pool.ts';
import { RunningJob } from './running-job.ts';
import { SchedulerError } from './scheduler-error.ts';
import { CONTINUATION_WAIT_MS, MAX_PLAN_VERSIONS, MAX_QUEUED_JOBS, MAX_REMEMBERED_JOBS, MOVED_RECORD_MS, READY_WAIT_MS, REPLAN_AFTER_MS, RETRY_AFTER_MS, UNCOVERED_WAIT_MS } from './scheduler-limits.ts';
import type { Holder } from '../relay/weights-desk.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import type { JobMessage } from './job-machine.ts';
import type { JobHandle, JobOrder, JobRecord } from './job-order.ts';
import type { Models } from './models-port.ts';
import type { PlacerOptions, ReadyPlacement } from './placer.ts';
import type { Ring, RingStatus, RingWish } from './ring.ts';
import type { Introductions, LinkStatus } from './ring-links.ts';
import type { SchedulerTimes } from './scheduler-times.ts';
import type { Shortage } from './shortage.ts';
import type { StageStatus } from './slot.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { WorkerFigures } from './worker-turnout.ts';
import type { Workers } from './workers-port.ts';

/** Port: relay of signals. `Relay` is one. */
export interface SignalRelay extends Introductions {
  handle(from: NodeId, signal: Extract<WorkMessage, { type: 'signal' }>): unknown;
}

export interface JobRunnerDeps {
  readonly clock: Clock;
  readonly workers: Workers;
  readonly standings: PlacementStandings;
  readonly models: Models;
  readonly relay: SignalRelay;
  readonly key: CoordinatorKey;
  /** `length` random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly times?: SchedulerTimes;
}

export interface JobRunnerOptions extends PlacerOptions {
  readonly network: string;
  readonly maxQueued?: number;
  /** Jobs at the same time over one ring. */
  readonly maxRunning?: number;
  readonly maxRings?: number;
  readonly leastRingSpeed?: number;
  /** Time after an answer for roots and acknowledgements; COLLECT_TIMEOUT_MS when absent. */
  readonly collectMs?: number;
}

/** For `/health` and the command line. */
export interface SchedulerStatus {
  /** Workers that measured themselves and may be placed. */
  readonly workers: number;
  /** Stages that have a worker, and workers that have none. */
  readonly placed: number;
  readonly spare: number;
  /** Workers that must still join before anything can be answered; 0 when the model is covered. */
  readonly missing: number;
  /** Of some ring every stage holds its shards and every link is open. */
  readonly ready: boolean;
  readonly running: number;
  readonly queued: number;
  /** Of the first ring. */
  readonly stages: readonly StageStatus[];
  /** Links between the stages of all rings. */
  readonly links: readonly LinkStatus[];
  /** Ranges of the first ring that a spare has loaded, too. */
  readonly standby: number;
  /** Every ring, the first one first. */
  readonly rings: readonly RingStatus[];
  readonly figures: readonly WorkerFigures[];
}

interface Queued {
  readonly order: JobOrder;
  readonly events: JobEvents;
  /** Counts arrivals. */
  readonly came: number;
  readonly since: number;
  /** Of its next plan; 1 unless a ring broke before. */
  readonly version: number;
  /** Not placed before. */
  readonly notBefore: number;
  ahead: number;
  /** When a ring served what it asks for, or was busy and might do so, for the last time. */
  ableAt: number;
}

const NEW = 2;
/** Whose requester reads already goes first, then who lost a ring, then who is new, by its turn. */
const rankOf = ({ order, version }: Queued): number => (order.continues !== null ? 0 : version > 1 ? 1 : NEW + (order.turn === 'first' ? 0 : order.turn === 'last' ? 2 : 1));

/** What it asks of a ring. */
const wishOf = ({ order: { modelId, stages, exclude, promptIds, maxTokens } }: Queued): RingWish => ({ modelId, stages, exclude, positions: promptIds.length + maxTokens - 1 });

/** Failures after which the named worker is passed over: it is there, and cannot do it. */
const UNABLE: ReadonlySet<SchedulerError['code']> = new Set(['fault', 'stage-refused', 'prepare-timeout']);

/** Takes orders, keeps them in a bounded queue, and runs them over the rings that there are. Messages of workers arrive here. */
export class JobRunner {
  readonly #deps: JobRunnerDeps;
  readonly #options: JobRunnerOptions;
  readonly #rings: RingPool;
  readonly #queue: Queued[] = [];
  readonly #running = new Map<JobId, RunningJob>();
  readonly #kept: KeptCaches;
  /** Jobs beside which another one ran over the same ring: their laps say nothing of it. */
  readonly #shared = new Set<JobId>();
  /** Jobs that ended, oldest first: messages about them are late, not wrong. */
  readonly #ended = new Set<JobId>();
  readonly #readyWaiters = new Set<() => void>();
  #cancelWait: () => void = () => undefined;
  /** Timers of orders that rest before they are placed anew. */
  readonly #rests = new Set<() => void>();
  #pumping = false;
  #closing = false;
  #closed = false;
  #late = 0;
  #came = 0;
  /** One plan is signed after the other: workers expect their nonce commitments in the order in which they gave them. */
  #starting: Promise<void> = Promise.resolve();
  /** Jobs of which the last event is not out yet. */
  readonly #unsettled = new Set<Promise<void>>();
  /** Jobs that began and have no record yet, with their rings. */
  readonly #unrecorded = new Map<JobId, Ring>();

  constructor(deps: JobRunnerDeps, options: JobRunnerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#kept = new KeptCaches(deps.clock);
    this.#rings = new RingPool({ ...deps, introductions: deps.relay }, options, {
      placementChanged: () => this.#pump(),
      stageLost: (worker, reason) => {
        this.#kept.lost(worker);
        this.#running.forEach((job) => job.lost(worker, reason));
      },
      linkLost: (a, b) => this.#running.forEach((job) => job.linkLost(a, b)),
    });
    // Sessions that end after `close` must not wake the placer again.
    const whileOpen = <Args extends readonly unknown[]>(task: (...args: Args) => void) => (...args: Args): void => {
      if (!this.#closed) task(...args);
    };
    deps.workers.observe({
      joined: whileOpen((worker) => this.#rings.joined(worker)),
      left: whileOpen((nodeId, reason, returns) => {
        this.#kept.lost(nodeId);
        this.#rings.left(nodeId, reason, returns);
      }),
      message: whileOpen((nodeId, message) => this.#message(nodeId, message)),
    });
  }

  /**
   * Queues a job. Its events end with `recorded`, or throw SchedulerError. `signal` cancels it: before the first token that
   * throws `cancelled`, afterwards the job finishes with what it has.
   */
  run(order: JobOrder, signal: AbortSignal): JobHandle {
    const events = new JobEvents();
    const stop = (reason: 'stop' | 'cancelled'): void => this.#stop(order.job, reason);
    const handle = { events, stop };
    const { maxQueued = MAX_QUEUED_JOBS } = this.#options;
    const refusal = this.#refusal(order, maxQueued);
    if (refusal !== undefined || signal.aborted || this.#closing) {
      events.end(refusal ?? cancelled(order.job));
      return handle;
    }
    const onAbort = (): void => stop('cancelled');
    signal.addEventListener('abort', onAbort, { once: true });
    events.onEnd(() => signal.removeEventListener('abort', onAbort));
    this.#queue.push({ order, events, came: this.#came++, since: this.#deps.clock.now(), version: order.firstVersion ?? 1, notBefore: 0, ahead: -1, ableAt: 0 });
    if (order.continues !== null && this.#unrecorded.has(order.continues)) this.#pumpAfter(MOVED_RECORD_MS);
    this.#pump();
    return handle;
  }

  /** Nothing goes on from what was kept of this job, nor from what stands on it; its workers forget it (SPEC V7). */
  forget(job: JobId): void {
    for (const { job: kept, version, stages } of this.#kept.forget(job)) for (const { worker } of stages) this.#deps.workers.send(worker, { type: 'forget', job: kept, version });
  }

  /** Jobs of a coordinator that ended: what tabs still say of them is late, not wrong. */
  recall(jobs: readonly JobId[]): void {
    for (const job of jobs) this.#remember(job);
  }

  /** A snapshot for `/health` and the command line. */
  status(): SchedulerStatus {
    const { standings, workers } = this.#deps;
    const rings = this.#rings.status();
    const placed = new Set(rings.flatMap(({ stages }) => stages.flatMap(({ worker }) => worker ?? [])));
    const all = workers.workers().filter(({ nodeId }) => !standings.isDemoted(nodeId));
    return {
      workers: all.length,
      placed: placed.size,
      spare: all.filter(({ nodeId }) => !placed.has(nodeId)).length,
      missing: this.#rings.uncoveredSince === undefined ? 0 : (this.#rings.shortage()?.missingWorkers ?? 0),
      ready: rings.some(({ ready }) => ready),
      running: this.#running.size,
      queued: this.#queue.length,
      stages: rings[0]?.stages ?? [],
      links: rings.flatMap(({ links }) => links),
      standby: rings[0]?.standby ?? 0,
      rings,
      figures: this.#rings.figures(),
    };
  }

  /** Who holds layers of this model, and whether a job runs over it now. */
  holders(modelId: HexHash): Holder[] {
    return this.#rings.holders(modelId);
  }

  /** Tabs that must still come before a model can be placed over all that are here; 0 when they hold it, undefined when it is not served. */
  missingFor(modelId: HexHash): number | undefined {
    const model = this.#deps.models.get(modelId);
    return model === undefined ? undefined : (this.#rings.shortage(model)?.missingWorkers ?? 0);
  }

  /** One end of an open link for weights told its round trip (SPEC W5). */
  linkMeasured(from: NodeId, peer: NodeId, rttMs: number): void {
    this.#rings.linkMeasured(from, peer, rttMs);
  }

  /** Messages about jobs that had ended. */
  get late(): number {
    return this.#late;
  }

  /** Resolves when every stage of a ring is ready and linked; rejects with the signal's reason. */
  async whenReady(signal: AbortSignal): Promise<void> {
    while (!this.#rings.ready) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#readyWaiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#readyWaiters.add(done);
        signal.addEventListener('abort', done);
      });
    }
  }

  /** Takes no more orders, cancels every job, waits for the records of those that had tokens (at most COLLECT_TIMEOUT_MS), and ends all timers. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { order, events } of this.#queue.splice(0)) events.end(cancelled(order.job));
    for (const job of [...this.#running.values()]) job.stop('cancelled');
    await Promise.all(this.#unsettled);
    this.#closed = true;
    this.#cancelWait();
    for (const cancel of this.#rests) cancel();
    this.#rings.close();
  }

  #refusal(order: JobOrder, maxQueued: number): SchedulerError | undefined {
    const { job, modelId, firstVersion } = order;
    const ended = firstVersion === undefined && this.#ended.has(job);
    if (this.#deps.models.get(modelId) === undefined) return new SchedulerError('unknown-model', `model ${modelId} is not served here; ask for one of /v1/models`, { fault: 'user', fields: { job, modelId } });
    if (this.#running.has(job) || ended || this.#queue.some((each) => each.order.job === job)) return new SchedulerError('bad-order', `job ${job} was ordered already; each order needs a fresh id`, { fault: 'bug', fields: { job } });
    const positions = order.promptIds.length + order.maxTokens - 1;
    const most = MAX_JOB_UNITS * UNIT_POSITIONS;
    if (positions > most) return new SchedulerError('bad-order', `job ${job}: prompt and answer take ${positions} positions, a job may have ${most}; shorten the prompt or max_tokens`, { fault: 'user', fields: { job, positions, most } });
    if (this.#queue.length < maxQueued) return undefined;
    return new SchedulerError('queue-full', `${maxQueued} jobs are waiting already; try again in ${RETRY_AFTER_MS / 1000} s`, { fault: 'platform', fields: { job, retryAfterMs: RETRY_AFTER_MS } });
  }

  #message(from: NodeId, message: WorkMessage): void {
    switch (message.type) {
      case 'signal':
        this.#deps.relay.handle(from, message);
        return;
      case 'shards':
        if (!this.#rings.shards(from, message)) this.#deps.workers.offend(from, 'not-yours', 'unknown-assignment', `assignment ${message.assignment} was never made`);
        return;
      case 'link':
        if (!this.#rings.link(from, message)) this.#deps.workers.offend(from, 'not-yours', 'foreign-link', `link ${message.link} is between others`);
        return;
      case 'nonce':
      case 'piece':
      case 'supply-refused':
      case 'audit-refused':
      case 'audit-blind':
      case 'audit-opened':
        return; // the audit desk hears them too, and says what does not belong
      case 'weights-wanted':
      case 'weights-bad':
        return; // the weights desk's
      default:
        this.#jobMessage(from, message);
    }
  }

  #jobMessage(from: NodeId, message: JobMessage): void {
    const id = message.type === 'unit' ? message.receipt.body.job : message.job;
    const job = this.#running.get(id);
    if (job !== undefined) job.handle(from, message);
    else if (this.#ended.has(id)) this.#late++;
    else this.#deps.workers.offend(from, 'not-yours', 'unknown-job', `${message.type} for job ${id}, which is not known here`);
  }

  /** Stops a job wherever it is; one that is over stays as it is. */
  #stop(id: JobId, reason: 'stop' | 'cancelled'): void {
    this.#running.get(id)?.stop(reason);
    const index = this.#queue.findIndex((each) => each.order.job === id);
    const [queued] = index < 0 ? [] : this.#queue.splice(index, 1);
    if (queued === undefined) return;
    queued.events.end(cancelled(id));
    this.#pump();
  }

  /** Starts what can be started. Called at every change; calls from inside are taken up by the outer one's loop. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      do while (this.#startTimed());
      while (this.#rings.replaceIfIdle());
      this.#failOverdue();
      // Who was passed over for one job is there for the next.
      if (this.#queue.length === 0) this.#rings.excludeNobody();
      this.#queue.forEach((queued, ahead) => {
        if (queued.ahead === ahead) return;
        queued.ahead = ahead;
        queued.events.push({ type: 'queued', ahead });
      });
    } finally {
      this.#pumping = false;
    }
    if (this.#readyWaiters.size > 0 && this.#rings.ready) for (const wake of [...this.#readyWaiters]) wake();
  }

  #startTimed(): boolean {
    const { clock, times } = this.#deps;
    const from = clock.now();
    const taken = this.#startNext();
    if (taken) times?.decided('job', clock.now() - from);
    return taken;
  }

  /** True when a job was taken off the queue. */
  #startNext(): boolean {
    const now = this.#deps.clock.now();
    this.#putInOrder();
    const waiting = new Set(this.#queue.filter(({ notBefore }) => notBefore <= now));
    const choose = () => this.#rings.next(waiting, wishOf, (placement, { order, version }) => (version === 1 ? this.#kept.workLeft(order, placement) : 1));
    let next = choose();
    while (next !== undefined && 'ring' in next && this.#waitsForRecord(next.job, next.ring, now)) {
      waiting.delete(next.job);
      next = choose();
    }
    if (next === undefined) return false;
    const { job } = next;
    this.#queue.splice(this.#queue.indexOf(job), 1);
    if ('tooLong' in next) job.events.end(this.#tooLong(job.order, wishOf(job).positions, next.tooLong));
    else this.#begin(job, next.ring, next.placement);
    return true;
  }

  /** Over the ring whose stages keep the job that moved: what they keep can be named once its record says what is bound (SPEC V9). */
  #waitsForRecord({ order: { continues }, version, since }: Queued, ring: Ring, now: number): boolean {
    return continues !== null && version === 1 && this.#unrecorded.get(continues) === ring && now < since + MOVED_RECORD_MS;
  }

  /** Puts the queue into the order in which its jobs are to begin (SPEC E3). */
  #putInOrder(): void {
    const running = new Map<string, number>();
    for (const { account } of this.#running.values()) running.set(account, (running.get(account) ?? 0) + 1);
    const cameFirst = this.#queue.toSorted((a, b) => a.came - b.came);
    this.#queue.splice(0, this.#queue.length, ...inFairOrder(cameFirst, (queued) => ({ rank: rankOf(queued), account: queued.order.account }), running));
  }

  #pumpAfter(milliseconds: number): void {
    const cancel = this.#deps.clock.after(milliseconds, () => {
      this.#rests.delete(cancel);
      this.#pump();
    });
    this.#rests.add(cancel);
  }

  /** Places an order anew whose ring broke, under the next plan version (SPEC G1); false when it is to fail. */
  #again({ order, events, version }: Queued, { code, fields }: SchedulerError): boolean {
    if (this.#closing || version - (order.firstVersion ?? 1) + 1 >= MAX_PLAN_VERSIONS || events.ended) return false;
    const unable = UNABLE.has(code) ? [fields['worker'], fields['neighbour']].filter((each) => each !== undefined && !order.exclude.includes(each as NodeId)) : [];
    const now = this.#deps.clock.now();
    // Whoever broke it may not be known yet: a ring that looks ready at once is the one that broke.
    const rest = code === 'link-lost' ? REPLAN_AFTER_MS * version : 0;
    this.#queue.push({ order: { ...order, exclude: [...order.exclude, ...(unable as NodeId[])] }, events, came: this.#came++, since: now, version: version + 1, notBefore: now + rest, ahead: -1, ableAt: 0 });
    if (rest > 0) this.#pumpAfter(rest);
    return true;
  }

  #begin(queued: Queued, ring: Ring, placement: ReadyPlacement): void {
    const { order, events, version, since } = queued;
    const { network, collectMs } = this.#options;
    const { clock, times } = this.#deps;
    const began = clock.now();
    if (ring.running.size > 0) for (const job of [order.job, ...ring.running.keys()]) this.#shared.add(job);
    const onPrepared = (): void => times?.setUp(clock.now() - since, began - since);
    const route = (a: NodeId, b: NodeId) => ring.placer.route(a, b);
    const onOver = (): void => {
      this.#running.delete(order.job);
      ring.running.delete(order.job);
      this.#remember(order.job);
      this.#pump();
    };
    // A prefix that was refused, or a ring that broke, is not tried again.
    const reuse = version === 1 ? this.#kept.take(order, placement) : undefined;
    const onRecorded = (record: JobRecord): void => {
      ring.placer.served(record, !this.#shared.has(order.job));
      this.#kept.recorded(order, record, reuse);
    };
    try {
      const job = new RunningJob({ ...this.#deps, route, onPrepared, onRecorded, ...(collectMs === undefined ? {} : { collectMs }) }, { order, placement, events, network, version, prefix: reuse?.prefix, onOver, onFailed: (error) => this.#again(queued, error) });
      this.#running.set(order.job, job);
      ring.running.set(order.job, job.positions);
      this.#unsettled.add(job.done);
      this.#unrecorded.set(order.job, ring);
      void job.done.then(() => {
        this.#unsettled.delete(job.done);
        this.#unrecorded.delete(order.job);
        if (this.#queue.some((waiting) => waiting.order.continues === order.job)) this.#pump();
        this.#shared.delete(order.job);
      });
      this.#starting = this.#starting.then(() => job.start()).catch((cause: unknown) => {
        events.end(new SchedulerError('fault', `job ${order.job} could not be started`, { fault: 'bug', cause, fields: { job: order.job } }));
        onOver();
      });
    } catch (error) {
      events.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #remember(job: JobId): void {
    this.#ended.add(job);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_REMEMBERED_JOBS) return;
      this.#ended.delete(oldest);
    }
  }

  /** Fails jobs for which no placement came in time, and arranges to look again. Never those that a ring serves, or may serve once jobs make room. */
  #failOverdue(): void {
    this.#cancelWait();
    if (this.#queue.length === 0) return;
    const { clock } = this.#deps;
    const { uncoveredSince } = this.#rings;
    const hasHope = this.#rings.hopes();
    const waiting = this.#queue.filter((queued) => {
      const hopeful = hasHope(wishOf(queued));
      if (hopeful) queued.ableAt = clock.now();
      return !hopeful;
    });
    const patience = (queued: Queued): number => (rankOf(queued) >= NEW ? UNCOVERED_WAIT_MS : CONTINUATION_WAIT_MS);
    const since = ({ since, ableAt }: Queued): number => Math.max(since, ableAt, uncoveredSince ?? 0);
    const due = (queued: Queued): number => since(queued) + (uncoveredSince === undefined ? READY_WAIT_MS : patience(queued));
    const overdue = waiting.filter((queued) => due(queued) <= clock.now());
    for (const queued of overdue) {
      this.#queue.splice(this.#queue.indexOf(queued), 1);
      queued.events.end(this.#noPlace(queued.order));
    }
    const next = Math.min(...waiting.map(due).filter((at) => at > clock.now()));
    if (!Number.isFinite(next)) return;
    this.#cancelWait = clock.after(Math.max(0, next - clock.now()), () => this.#pump());
  }

  #noPlace({ job, modelId }: JobOrder): SchedulerError {
    const { uncoveredSince, placeable } = this.#rings;
    if (uncoveredSince === undefined) {
      return new SchedulerError('prepare-timeout', `job ${job}: the stages were not ready within ${READY_WAIT_MS / 1000} s: shards are loading or links are opening; ask again later`, { fault: 'timeout', fields: { job, retryAfterMs: RETRY_AFTER_MS } });
    }
    const model = this.#deps.models.get(modelId);
    const shortage = this.#rings.shortage(model);
    const needs = shortage === undefined ? 'its layers are just being given to the tabs: ask again' : needsOf(model?.manifest.name ?? modelId, shortage);
    const fields = { job, retryAfterMs: RETRY_AFTER_MS, ...shortage };
    if (placeable === 0) return new SchedulerError('no-workers', `job ${job}: no tab contributes at the moment; ${needs}`, { fault: 'platform', fields });
    return new SchedulerError('not-covered', `job ${job}: the ${placeable === 1 ? 'one tab that contributes does' : `${placeable} tabs that contribute do`} not hold the model; ${needs}`, { fault: 'platform', fields });
  }

  #tooLong({ job }: JobOrder, needed: number, { positions, model }: ReadyPlacement): SchedulerError {
    const { kvHeads, headDim, layers } = model.manifest.architecture;
    const missingBytes = (needed - positions) * 2 * 4 * kvHeads * headDim * layers;
    return new SchedulerError('not-covered', `job ${job}: prompt and answer take ${needed} positions but the tabs have memory for ${positions}; shorten the prompt or max_tokens, or open more tabs`, { fault: 'platform', fields: { job, missingBytes, missingWorkers: 1, needed, positions } });
  }
}

/** "NAME needs 6 more tabs": the sentence that a requester reads (SPEC P4). */
function needsOf(name: string, { missingBytes, missingWorkers, workerBytes }: Shortage): string {
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  return `${name} needs ${missingWorkers} more ${missingWorkers === 1 ? 'tab that gives' : 'tabs that each give'} ${megabytes(workerBytes)} (in all ${megabytes(missingBytes)} are missing): open the page in more tabs, or raise their memory caps`;
}

const cancelled = (job: JobId): SchedulerError => new SchedulerError('cancelled', `job ${job} was cancelled before it began`, { fault: 'abort', fields: { job } });
