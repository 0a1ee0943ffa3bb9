import { toHex } from '@ciro/core/bytes.ts';
import { planBytes, planHashOf } from '@ciro/core/job/plan.ts';
import type { JobPlan, PlanPrefix } from '@ciro/core/job/plan.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import { buildPlan, idBytes } from './build-plan.ts';
import { JobMachine } from './job-machine.ts';
import { buildRecord } from './job-record.ts';
import { SchedulerError } from './scheduler-error.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { Clock } from '../sessions/clock.ts';
import type { JobEvents } from './job-events.ts';
import type { JobMessage, JobOutput } from './job-machine.ts';
import type { JobOrder, JobRecord, StageRecord } from './job-order.ts';
import type { ReadyPlacement } from './placer.ts';
import type { Workers } from './workers-port.ts';

export interface RunningJobDeps {
  readonly clock: Clock;
  readonly workers: Workers;
  readonly key: CoordinatorKey;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly route: (a: NodeId, b: NodeId) => StageRecord['link'];
  readonly collectMs?: number;
  /** Every stage is prepared, and the first one is told to begin. */
  readonly onPrepared?: () => void;
  /** Its evidence is checked. */
  readonly onRecorded?: (record: JobRecord) => void;
}

/** What another placement may do better. */
const RETRIED: ReadonlySet<SchedulerError['code']> = new Set(['worker-lost', 'stage-refused', 'prefix-gone', 'prepare-timeout', 'stalled', 'link-lost', 'fault']);

/** Failures that are the named worker's own. */
const BLAMED: ReadonlySet<SchedulerError['code']> = new Set(['worker-lost', 'stage-refused', 'prepare-timeout', 'fault']);

/** One job over its placement: signs the plan, drives the machine with messages and time, writes the record. */
export class RunningJob {
  readonly #deps: RunningJobDeps;
  readonly #order: JobOrder;
  readonly #placement: ReadyPlacement;
  readonly #events: JobEvents;
  readonly #nonce: Uint8Array;
  readonly #plan: JobPlan;
  readonly #onOver: () => void;
  readonly #onFailed: (error: SchedulerError) => boolean;
  readonly #links: readonly StageRecord['link'][];
  #machine: JobMachine | undefined;
  #finish: JobRecord['finish'] = 'failed';
  /** What ended the job while its plan was being signed. */
  #early: SchedulerError | undefined;
  #cancelTimer: () => void = () => undefined;
  #over = false;
  #resolve: () => void = () => undefined;
  /** Resolves when the last event is out. */
  readonly done = new Promise<void>((resolve) => (this.#resolve = resolve));

  /**
   * Throws `bad-order` when the order makes no plan. `onOver` is called once, when the placement is no longer used; `onFailed` before
   * it, when another plan may do better: true when it takes the order, and with it the events, over.
   */
  constructor(deps: RunningJobDeps, job: { order: JobOrder; placement: ReadyPlacement; events: JobEvents; network: string; version: number; prefix?: PlanPrefix | undefined; onOver: () => void; onFailed: (error: SchedulerError) => boolean }) {
    const { order, placement, events, network, version, prefix, onOver, onFailed } = job;
    this.#deps = deps;
    this.#order = order;
    this.#placement = placement;
    this.#events = events;
    this.#onOver = onOver;
    this.#onFailed = onFailed;
    this.#nonce = deps.randomBytes(32);
    const stages = placement.stages.map((stage) => ({ ...stage, nonce: deps.workers.takeNonce(stage.worker.nodeId) }));
    this.#plan = buildPlan(order, stages, { network, version, prefix, nonce: this.#nonce });
    const workers = this.#plan.stages.map((stage) => stage.worker);
    this.#links = workers.map((worker, stage) => deps.route(worker, workers[(stage + 1) % workers.length] ?? worker));
  }

  /** Who pays for it. */
  get account(): string {
    return this.#order.account;
  }

  /** Positions of KV cache that every stage sets aside for it. */
  get positions(): number {
    return this.#plan.promptTokens + this.#plan.maxTokens - 1;
  }

  /** Signs the plan and sends it out; rejects only when the key cannot sign. */
  async start(): Promise<void> {
    const signature = await this.#deps.key.sign(planBytes(this.#plan));
    if (this.#early !== undefined) {
      this.#end(this.#early);
      return;
    }
    const signed = { plan: this.#plan, signature };
    this.#machine = new JobMachine({
      signed,
      planHash: planHashOf(this.#plan),
      promptIds: idBytes(this.#order.promptIds),
      vocabulary: this.#placement.model.manifest.architecture.vocabulary,
      goesOn: this.#order.goesOn,
      ...(this.#deps.collectMs === undefined ? {} : { collectMs: this.#deps.collectMs }),
    });
    this.#events.push({ type: 'assigned', signed });
    this.#apply(this.#machine.begin(this.#deps.clock.now()));
  }

  /** A worker's message about this job; before the plan is out there is none that could be right. */
  handle(from: NodeId, message: JobMessage): void {
    if (this.#machine !== undefined) this.#apply(this.#machine.handle(from, message, this.#deps.clock.now()));
  }

  /** A worker takes no more work; harmless when it has no stage here. */
  lost(worker: NodeId, reason: string): void {
    const stage = this.#plan.stages.findIndex((each) => each.worker === worker);
    if (this.#machine !== undefined) this.#apply(this.#machine.lost(worker, reason, this.#deps.clock.now()));
    else if (stage >= 0) this.#early ??= new SchedulerError('worker-lost', `job ${this.#order.job}: stage ${stage} (worker ${worker}) left: ${reason.slice(0, 300)}; ask again`, { fault: 'platform', fields: { job: this.#order.job, worker, stage } });
  }

  linkLost(a: NodeId, b: NodeId): void {
    if (this.#machine !== undefined) this.#apply(this.#machine.linkLost(a, b, this.#deps.clock.now()));
  }

  /** Ends the job at the last token seen, or as `cancelled` when there is none. */
  stop(reason: 'stop' | 'cancelled'): void {
    if (this.#machine !== undefined) this.#apply(this.#machine.stop(reason, this.#deps.clock.now()));
    else this.#early ??= new SchedulerError('cancelled', `job ${this.#order.job} was cancelled before it began`, { fault: 'abort', fields: { job: this.#order.job } });
  }

  /** Does what the machine says, then sets the timer for its next deadline. */
  #apply(outputs: readonly JobOutput[]): void {
    this.#cancelTimer();
    for (const output of outputs) this.#put(output);
    const deadline = this.#machine?.deadline;
    if (deadline === undefined || this.#over) return;
    const { clock } = this.#deps;
    this.#cancelTimer = clock.after(Math.max(0, deadline - clock.now()), () => this.#apply(this.#machine?.tick(clock.now()) ?? []));
  }

  #put(output: JobOutput): void {
    switch (output.type) {
      case 'send':
        if (output.message.type === 'start') this.#deps.onPrepared?.();
        this.#deps.workers.send(output.to, output.message);
        return;
      case 'token':
        this.#events.push({ type: 'token', position: output.position, id: output.id });
        return;
      case 'finished':
        this.#finish = output.reason;
        if (output.lost !== undefined) this.#blame(output.lost);
        this.#events.push({ type: 'finished', reason: output.reason, ...(output.lost && { lost: output.lost }) });
        return;
      case 'silent':
        this.#deps.workers.end(output.worker, 'does not answer');
        return;
      case 'failed':
        this.#blame(output.error);
        this.#end(output.error);
        return;
      case 'rejected':
        this.#deps.workers.offend(output.from, output.offence, output.code, output.message);
        return;
      case 'collected':
        void this.#record();
    }
  }

  /** Checks the evidence off the token path; the job counts as over for the placement before that. */
  async #record(): Promise<void> {
    const machine = this.#machine;
    if (machine === undefined) return;
    const { key, workers } = this.#deps;
    // The placement is free from here on: what is left to do needs no worker.
    this.#release();
    try {
      const identities = this.#placement.stages.map((stage) => stage.worker);
      const { generated, surplus, acceptedTo, pace, evidence } = machine;
      const { record, forgeries } = await buildRecord(
        { ...machine.input, coordinatorNonce: toHex(this.#nonce), promptIds: this.#order.promptIds, generated, surplus, acceptedTo, finish: this.#finish, pace, evidence, workers: identities, links: this.#links },
        key,
      );
      for (const { worker, what } of forgeries) workers.offend(worker, 'forged', 'forged', what);
      record.stages.forEach(({ layers: [from, to], paidPositions }, stage) => {
        const identity = identities[stage];
        if (identity !== undefined && paidPositions > 0) workers.contributed(identity, (to - from) * paidPositions);
      });
      this.#deps.onRecorded?.(record);
      this.#events.push({ type: 'recorded', record });
      this.#settle();
    } catch (cause) {
      this.#settle(new SchedulerError('fault', `job ${this.#order.job} was answered but its record could not be written; it is not charged`, { fault: 'bug', cause, fields: { job: this.#order.job } }));
    }
  }

  /** Who left or refused is to be relied on less; of a ring that stands still nobody knows who is to blame. */
  #blame({ code, fields }: SchedulerError): void {
    if (!BLAMED.has(code)) return;
    for (const { worker } of this.#placement.stages) if (worker.nodeId === fields['worker'] || worker.nodeId === fields['neighbour']) this.#deps.workers.failedJob(worker);
  }

  #end(error: SchedulerError): void {
    const { prefix } = this.#plan;
    if (error.code === 'prefix-gone' && prefix !== undefined) this.#events.push({ type: 'prefix-gone', prefix });
    if (RETRIED.has(error.code) && this.#onFailed(error)) this.#resolve();
    else this.#settle(error);
    this.#release();
  }

  #settle(error?: SchedulerError): void {
    this.#events.end(error);
    this.#resolve();
  }

  #release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    this.#onOver();
  }
}
