import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { CiroError } from '@ciro/core/errors.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { MAX_DRAFTS } from '@ciro/core/protocol/limits.ts';
import { AfterJob } from './after-job.ts';
import { refuse } from './frame-check.ts';
import { KeptCaches } from './kept-caches.ts';
import { LapGroups } from './lap-groups.ts';
import { LinkRefusals } from './link-refusals.ts';
import { OpenJob } from './open-job.ts';
import { NonceBook } from './nonce-book.ts';
import { PieceSender } from './piece-sender.ts';
import { checkPlan } from './plan-check.ts';
import { Drafter } from './drafter.ts';
import { fitTogether, isDecode, runWork } from './run-work.ts';
import { StageError } from './stage-error.ts';
import { jobKey, StageJob } from './stage-job.ts';
import { HOLD_MOST_MS, MAX_BATCH_JOBS, MAX_ENDED_JOBS, MAX_OPEN_JOBS, MAX_WAITING_FRAMES } from './stage-limits.ts';
import { StageMemory } from './stage-memory.ts';
import { UnitEvidence } from './unit-evidence.ts';
import { WorkLine } from './work-line.ts';
import { WorkQueue } from './work-queue.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan, SignedPlan } from '@ciro/core/job/plan.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { KeptCache } from './kept-caches.ts';
import type { KeptRows } from './kept-rows.ts';
import type { Generated, HeldStage, StageIdentity, StagePorts } from './stage-ports.ts';
import type { QueuedWork, WorkOutcome } from './run-work.ts';
import type { StageStep, StageWork } from './stage-job.ts';

/** A piece of a job's work that the engine computed, and what it leads to. */
interface CompletedWork extends QueuedWork {
  readonly step: StageStep;
}

/**
 * The stages of up to MAX_OPEN_JOBS jobs on one worker: plans and frames in, frames and messages out through `StagePorts`.
 * One run at a time; generated positions that wait are computed together (`WorkLine`). What leaves a run leaves before anything is hashed or signed.
 */
export class StagePipeline {
  readonly #identity: StageIdentity;
  readonly #ports: StagePorts;
  readonly #queue: WorkQueue<QueuedWork>;
  readonly #line: WorkLine<QueuedWork>;
  readonly #groups = new LapGroups();
  #holding = false;
  /** Neighbours of which more rows of one run are on the way. */
  readonly #moreFrom = new Set<NodeId>();
  readonly #refusals: LinkRefusals;
  /** This worker's nonces for audit draws; their commitments go to the coordinator (SPEC A1). */
  readonly nonces: NonceBook;
  /** Uploads of this worker, an auditor's included: one after the other. */
  readonly pieces: PieceSender;
  /** What jobs that are over may still ask for. */
  readonly after: AfterJob;
  /** What the next jobs may go on from. */
  readonly caches: KeptCaches;
  readonly memory: StageMemory;
  /** By job and version: open, failed and recently ended jobs, oldest first. */
  readonly #jobs = new Map<string, OpenJob>();
  #held: HeldStage | undefined;
  /** Time spent in the engine so far: it is taken off the time that a signature seemed to take. */
  #engineMs = 0;
  #generated = 0;
  #batched = 0;
  #drafted = 0;
  #accepted = 0;

  constructor(identity: StageIdentity, ports: StagePorts) {
    this.#identity = identity;
    this.#ports = ports;
    const { maxBatchJobs: most = MAX_BATCH_JOBS } = identity;
    const hasRoom = (bytes: number): boolean => this.memory.makeWay(bytes + ports.auditBytes(0)) <= identity.memoryBudgetBytes;
    const mayLeave = (waiting: number): number => (this.#moreFrom.size > 0 ? 0 : this.#groups.mayLeave(waiting, ports.now())) || this.#holdBack();
    this.#line = new WorkLine<QueuedWork>({ jobOf: ({ open }) => open.job.key, isDecode, ...(most > 1 && { mayLeave }), fitTogether: (items) => items.length <= most && fitTogether(items, hasRoom) });
    this.#queue = new WorkQueue(this.#line, (items) => this.#compute(items), () => ports.turn());
    this.#refusals = new LinkRefusals((peer, error) => ports.refused(peer, error));
    this.nonces = new NonceBook((bytes) => ports.randomHex(bytes));
    this.pieces = new PieceSender(ports);
    this.after = new AfterJob(identity, ports, this.nonces, this.pieces);
    this.caches = new KeptCaches(ports);
    this.memory = new StageMemory({ budgetBytes: identity.memoryBudgetBytes, ports, kept: this.after.kept, caches: this.caches, jobs: () => this.#jobs.values(), held: () => this.#held, fail: (open, error) => this.#fail(open, error) });
  }

  /** Jobs that are being worked on. */
  get openJobs(): number {
    return [...this.#jobs.values()].filter((open) => open.state === 'open').length;
  }

  /** Whether a job is worked on, or its evidence still hashed and signed: nothing that can wait is begun meanwhile. */
  get isBusy(): boolean {
    return [...this.#jobs.values()].some(({ state }) => state === 'open' || state === 'ending');
  }

  /** What was generated here so far. */
  get generated(): Generated {
    return { positions: this.#generated, batched: this.#batched, drafted: this.#drafted, accepted: this.#accepted };
  }

  /** Bytes of rows held here: of jobs under way, and kept of those that are over. The engine's own come on top. */
  get rowBytes(): number {
    return this.memory.rowBytes;
  }

  /** Runs a task when no stage has work: an audit's engine runs, one at a time, so a lap waits for one of them at most. */
  background<Result>(task: () => Promise<Result>): Promise<Result> {
    return this.#queue.background(task);
  }

  /**
   * The layers held from now on. Jobs of the old ones fail with `replaced`; resolves when no run uses the old engine any
   * more, so that it can be disposed.
   */
  async hold(held: HeldStage | undefined): Promise<void> {
    for (const open of this.#jobs.values()) {
      if (open.state === 'open') this.#fail(open, new StageError('replaced', `The layers of job ${open.job.plan.job} were taken from this worker; run the job again.`, { fault: 'abort' }));
    }
    this.caches.clear();
    this.#held = held;
    await this.#queue.idle();
  }

  /** The connection to the coordinator is a new one: what ran over the old one is given up on both sides, without a word (SPEC G8). */
  abandon(): void {
    for (const open of this.#jobs.values()) if (open.state === 'open') this.#stop(open);
    this.caches.clear();
  }

  /** Prepares a stage of a plan; answers `prepared` or `stage-refused`, never throws. */
  async handlePlan(signed: SignedPlan, stage: number, promptIds: Uint8Array | null): Promise<void> {
    const { job, version } = signed.plan;
    try {
      const held = this.#held;
      const checks = { identity: this.#identity, verify: this.#ports.verify, nonces: this.nonces, heldBeside: (needed: number) => this.memory.heldBeside(needed, signed.plan.prefix) };
      const ids = await checkPlan({ signed, stage, promptIds }, held, checks);
      // The layers may have been replaced while the signature was checked.
      if (held === undefined || held !== this.#held) throw this.#refusePlan('not-ready', signed.plan, 'came while other layers were being loaded');
      this.#admit(signed.plan);
      const kept = this.#keptFor(signed.plan, stage, ids);
      const state = new StageJob(signed.plan, stage, held, ids, kept?.rows);
      for (const peer of [state.upstream, state.downstream]) {
        if (peer !== undefined && !this.#ports.hasLink(peer)) throw this.#refusePlan('no-link', signed.plan, `needs a link to ${peer}, which is not open`);
      }
      if (kept === undefined) held.engine.openJob(state.key, state.positions);
      else this.caches.handOver(kept, state.key, state.reused, state.positions);
      this.#remember(new OpenJob(state, this.#evidence(state), held, this.#ports.now(), this.#drafter(state, held)));
      this.#ports.credit.planned(signed, stage);
      this.#ports.send({ type: 'prepared', job, version });
    } catch (error) {
      const { code, message } = asStageError(error);
      this.#ports.send({ type: 'stage-refused', job, version, code, message });
    }
    const commitments = this.nonces.topUp();
    if (commitments.length > 0) this.#ports.send({ type: 'nonces', commitments });
  }

  /** Every stage is prepared: the first one begins. Unknown jobs and a second start change nothing. */
  handleStart(job: JobId, version: number): void {
    const open = this.#jobs.get(jobKey(job, version));
    if (open?.state !== 'open') return;
    const work = open.job.start();
    if (work === undefined) return;
    this.#giveHistory(open);
    this.#enqueue(open, work);
  }

  /** A frame from a neighbour's link. What cannot be used is dropped and refused by code; never throws. */
  handleFrame(peer: NodeId, bytes: Uint8Array): void {
    if (this.#refusals.isClosed(peer)) return;
    let frame: Frame;
    try {
      // Rows are read in place as float32, which needs them aligned.
      frame = decodeFrame(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());
    } catch (error) {
      const open = this.#refusals.jobNamedIn(bytes, (key) => this.#jobs.get(key));
      return this.#refuse(peer, open, new StageError('bad-frame', error instanceof Error ? error.message : String(error), { fault: 'peer', cause: error }));
    }
    if (frame.kind === 'heartbeat') return;
    if (frame.kind === 'head') return void this.#ports.head(peer, frame.payload).catch((error: unknown) => this.#refuse(peer, undefined, asStageError(error)));
    const open = this.#jobs.get(jobKey(frame.job, frame.planVersion));
    if (frame.kind === 'rows' || frame.kind === 'ids') this.#expectMore(peer, frame.more === true && open?.job.upstream === peer);
    try {
      if (open === undefined) throw refuse('unknown-job', frame, 'is about a job that this worker does not have');
      const sender = frame.kind === 'acknowledgement' || frame.kind === 'drafts' ? open.job.downstream : open.job.upstream;
      if (peer !== sender) throw refuse('wrong-sender', frame, `came from ${peer}; a ${frame.kind} frame comes from ${sender ?? 'nobody'}`);
      this.#take(open, frame);
    } catch (error) {
      this.#refuse(peer, open, asStageError(error));
    }
    this.#queue.look();
  }

  /** A link to a neighbour is open, maybe in the place of one that broke. */
  handleLinkOpened(peer: NodeId): void {
    for (const { job, evidence } of this.#jobs.values()) if (job.downstream === peer) evidence.retell();
  }

  /** The link to a neighbour is gone. What is to be sent there fails its job; the coordinator decides about the others. */
  handleLinkClosed(peer: NodeId): void {
    this.#refusals.forget(peer);
    this.#expectMore(peer, false);
    this.#queue.look();
  }

  /** Ends a job at `acceptedTo` positions; resolves when its root was posted. Unknown jobs are ignored. */
  async handleFinish(job: JobId, version: number, acceptedTo: number): Promise<void> {
    const open = this.#jobs.get(jobKey(job, version));
    if (open === undefined || open.state === 'ending' || open.state === 'ended') return;
    this.#ports.credit.finished(job, acceptedTo);
    await this.#finish(open, acceptedTo);
  }

  #take(open: OpenJob, frame: Frame): void {
    const { job, evidence } = open;
    if (frame.kind === 'receipt') return evidence.takeReceipt(frame);
    if (frame.kind === 'acknowledgement') return evidence.takeAcknowledgement(frame);
    if (open.state !== 'open') {
      // Laps that were under way when the job ended. The last id may still be needed to judge the last receipt.
      if (open.state !== 'failed' && frame.kind === 'ids') {
        this.#accepted += job.noteIds(frame).length - 1;
        evidence.recheck();
      }
      return;
    }
    if (!job.started) throw refuse('not-started', frame, 'came before the job was started');
    if (frame.kind === 'ids') return this.#closeLap(open, frame);
    if (frame.kind === 'drafts') {
      // They lost the race against the rows on their long way, which is nobody's fault: named, not counted.
      if (!job.takeDrafts(frame) && job.downstream !== undefined) this.#ports.refused(job.downstream, refuse('late-drafts', frame, `holds drafts that follow position ${frame.position}, whose lap is over`));
      return;
    }
    if (open.waiting >= MAX_WAITING_FRAMES) throw refuse('inbox-full', frame, `is one more than the ${MAX_WAITING_FRAMES} that may wait`);
    const work = job.takeRows(frame);
    this.#giveHistory(open);
    this.#enqueue(open, work);
  }

  /** The stage after this one may have lost its worker: the next one is given what that one was (SPEC V9). */
  #giveHistory({ job }: OpenJob): void {
    // A link that is gone shows with the first own row.
    for (const frame of job.takeHistory()) if (job.downstream !== undefined) this.#ports.sendFrame(job.downstream, encodeFrame(frame));
  }

  /** First stage: ids came round the ring, and the next lap begins, if there is one. Its drafts leave first: they have one hop where the rows have all but one. */
  #closeLap(open: OpenJob, frame: Frame): void {
    const { job, drafter } = open;
    const goesOn = job.takeIds(frame);
    const now = this.#ports.now();
    open.lapped(now);
    drafter?.over(frame.count - 1, now);
    this.#accepted += frame.count - 1;
    if (!goesOn) return;
    const { work, drafts } = job.nextLap(drafter?.begin(job.knownIds, job.draftRoom, this.#generating === 1, now) ?? new Uint32Array(0));
    if (drafts !== undefined && job.upstream !== undefined) this.#ports.sendFrame(job.upstream, encodeFrame(drafts));
    this.#drafted += work.count - 1;
    this.#enqueue(open, work);
  }

  /** Jobs whose answers are under way. */
  get #generating(): number {
    return [...this.#jobs.values()].filter(({ state, job }) => state === 'open' && job.generates).length;
  }

  /** For the first stage of several, unless a repetition penalty works against what a look-up guesses. */
  #drafter({ isFirst, isLast, plan }: StageJob, { architecture, shape }: HeldStage): Drafter | undefined {
    const { maxDrafts: most = MAX_DRAFTS } = this.#identity;
    if (!isFirst || isLast || most === 0 || plan.sampler.repetitionPenalty !== 1) return undefined;
    return new Drafter({ most: Math.min(most, MAX_DRAFTS), stagesShare: architecture.layers / (shape.to - shape.from), stopIds: plan.stopIds });
  }

  #enqueue(open: OpenJob, work: StageWork): void {
    const item = { open, work };
    open.waiting++;
    open.busyAt = this.#ports.now();
    if (open.job.isFirst && isDecode(item)) this.#groups.returned(open.job.key, this.#line.decodes + 1, open.busyAt);
    this.#queue.push(item);
  }

  /** Nothing leaves until others came; if one never does, it is looked at again without it. */
  #holdBack(): 0 {
    if (!this.#holding) {
      void this.#ports.wait(HOLD_MOST_MS).then(() => {
        this.#holding = false;
        this.#moreFrom.clear();
        this.#queue.look();
      });
    }
    this.#holding = true;
    return 0;
  }

  /** Rows of a run come as messages of their own; those that are here wait for the last of them. */
  #expectMore(peer: NodeId, more: boolean): void {
    if (more) this.#moreFrom.add(peer);
    else this.#moreFrom.delete(peer);
  }

  async #compute(items: readonly QueuedWork[]): Promise<void> {
    for (const { open } of items) open.waiting--;
    const running = items.filter(({ open }) => open.state === 'open');
    for (const { open } of running) open.computing = true;
    const atFirst = running.filter(({ open }) => open.job.isFirst);
    if (atFirst.every(isDecode)) this.#groups.left(atFirst.map(({ open }) => open.job.key));
    else this.#groups.disturbed();
    const outcomes = await runWork(running);
    const steps = running.flatMap((item, index) => this.#complete(item, outcomes[index]) ?? []);
    const left = steps.filter((step, index) => this.#leave(step, steps.slice(index + 1)));
    if (running.length > 1) this.#batched += running.length;
    for (const { open, work } of left) this.#commit(open, work);
    for (const { open } of running) {
      open.computing = false;
      open.busyAt = this.#ports.now();
      open.afterRun?.();
    }
  }

  /** What a run led to; undefined when it failed, or the job was finished meanwhile, and its rows are cut by that. */
  #complete(item: QueuedWork, outcome: WorkOutcome | undefined): CompletedWork | undefined {
    const { open, work } = item;
    try {
      if (outcome?.ok !== true) throw outcome?.error ?? new TypeError('the engine gave no outcome for a run');
      const { run } = outcome;
      this.#engineMs += run.computeMs;
      open.ran(work, run.computeMs);
      if (isDecode(item)) this.#generated += work.count;
      const step = open.job.complete(work, run);
      return open.state === 'open' ? { open, work, step } : undefined;
    } catch (error) {
      this.#fail(open, asStageError(error));
      return undefined;
    }
  }

  /** Sends what a run led to, and says whether `after` has more for the same neighbour. False when nothing is to be committed: nobody is there to take it. */
  #leave({ open, step }: CompletedWork, after: readonly CompletedWork[]): boolean {
    const { job } = open;
    const { job: id, version } = job.plan;
    try {
      if (step.frame !== undefined && job.downstream !== undefined) {
        const more = after.some((other) => other.step.frame !== undefined && other.open.job.downstream === job.downstream);
        if (!this.#ports.sendFrame(job.downstream, encodeFrame(more ? { ...step.frame, more } : step.frame))) {
          throw new StageError('no-link', `The link to ${job.downstream} is gone, so job ${id} cannot go on; place it again.`, { fault: 'peer' });
        }
      }
      for (const token of step.tokens ?? []) this.#ports.send({ type: 'token', job: id, version, ...token });
      if (step.tokens !== undefined && job.isFirst) open.lapped(this.#ports.now());
      if (step.next !== undefined) this.#enqueue(open, step.next);
    } catch (error) {
      this.#fail(open, asStageError(error));
    }
    return open.state === 'open';
  }

  #commit(open: OpenJob, work: StageWork): void {
    try {
      const { job } = open;
      const before = job.committed;
      const started = this.#ports.now();
      const closed = job.accept(work.acceptedTo);
      open.committed(job.committed - before, this.#ports.now() - started);
      open.evidence.close(closed);
    } catch (error) {
      this.#fail(open, asStageError(error));
    }
  }

  async #finish(open: OpenJob, acceptedTo: number, keeps = true): Promise<void> {
    const { job, held } = open;
    const failed = open.state === 'failed';
    open.state = 'ending';
    this.#groups.gone(job.key);
    this.#queue.drop((item) => item.open === open);
    if (open.computing) await new Promise<void>((resolve) => (open.afterRun = resolve));
    let kept: KeptRows | undefined;
    try {
      const closed = job.end(acceptedTo);
      kept = job.takeKept();
      if (!failed) this.#keepOrClose(open, keeps ? kept : undefined);
      await open.evidence.finish(closed, () => open.statistics());
    } catch (error) {
      if (kept === undefined) held.engine.closeJob(job.key);
      this.#report(open, asStageError(error));
    }
    if (kept !== undefined) this.after.kept.keep(kept);
    open.state = 'ended';
  }

  /** What was accepted is kept for a job that goes on from it, unless its layers are gone. */
  #keepOrClose({ job, held }: OpenJob, rows: KeptRows | undefined): void {
    if (rows === undefined || rows.positions < UNIT_POSITIONS || held !== this.#held) held.engine.closeJob(job.key);
    else this.caches.keep({ job: job.plan.job, version: job.plan.version, planHash: job.planHash, held, rows }, job.positions);
  }

  /** The cache that a plan begins with; undefined when it names none for this stage. */
  #keptFor(plan: JobPlan, stage: number, ids: Uint32Array | null): KeptCache | undefined {
    if (plan.prefix === undefined || plan.prefix.rebuilds === stage) return undefined;
    const { job, positions } = plan.prefix;
    const kept = this.caches.find(plan.prefix, this.#held);
    if (kept === undefined) throw this.#refusePlan('prefix-gone', plan, `begins with ${positions} positions of job ${job}, which are not kept here (any more)`);
    if (ids !== null && !kept.rows.beginsWith(ids.subarray(0, positions))) throw this.#refusePlan('wrong-prompt', plan, `begins with ${positions} positions of job ${job}, which had other ids`);
    return kept;
  }

  /** Stops a job for good and gives its cache back; `finish` still closes what was computed. */
  #fail(open: OpenJob, error: StageError): void {
    if (open.state !== 'open') return;
    this.#stop(open);
    this.#report(open, error);
  }

  #stop(open: OpenJob): void {
    open.state = 'failed';
    this.#groups.gone(open.job.key);
    this.#queue.drop((item) => item.open === open);
    open.held.engine.closeJob(open.job.key);
  }

  /**
   * Only the stage above can harm a job, so only what it sends is a fault of the job; anybody else is counted. Evidence
   * that cannot be used is no fault either: a receipt is not acknowledged then, and not paid.
   */
  #refuse(peer: NodeId, open: OpenJob | undefined, error: StageError): void {
    this.#refusals.count(peer, error);
    if (open !== undefined && open.state === 'open' && peer === open.job.upstream && !EVIDENCE_REFUSALS.has(error.code)) this.#report(open, error);
    if (!this.#refusals.isClosed(peer)) return;
    for (const each of this.#jobs.values()) {
      if (each.job.upstream === peer) this.#fail(each, new StageError('flooded', `Worker ${peer} sent frame after frame that had to be refused; it is not listened to any more.`, { fault: 'peer' }));
    }
  }

  #report(open: OpenJob, { code, message }: StageError): void {
    if (open.reported.has(code)) return;
    open.reported.add(code);
    const { job, version } = open.job.plan;
    this.#ports.send({ type: 'fault', job, version, code, message });
  }

  #admit(plan: JobPlan): void {
    for (const open of this.#jobs.values()) {
      if (open.job.plan.job !== plan.job) continue;
      if (open.job.plan.version >= plan.version) throw this.#refusePlan('stale-version', plan, `follows version ${open.job.plan.version}, which this worker has`);
      // A new plan closes the old one's unit at the last accepted row (PROTOCOL 2).
      if (open.state === 'open') void this.#finish(open, open.job.accepted, false);
    }
    this.memory.evictIdle(() => this.openJobs >= MAX_OPEN_JOBS);
    if (this.openJobs >= MAX_OPEN_JOBS) throw this.#refusePlan('too-many-jobs', plan, `would be one more than the ${MAX_OPEN_JOBS} jobs worked on here`);
  }

  #remember(open: OpenJob): void {
    this.#jobs.set(open.job.key, open);
    const over = [...this.#jobs].filter(([, { state }]) => state === 'ended' || state === 'failed');
    for (const [key] of over.slice(0, Math.max(0, over.length - MAX_ENDED_JOBS))) this.#jobs.delete(key);
  }

  #evidence(job: StageJob): UnitEvidence {
    return new UnitEvidence(job, this.#identity, this.#ports, {
      measured: async (task) => {
        const started = this.#ports.now() - this.#engineMs;
        await task();
        this.#jobs.get(job.key)?.unitSigned(Math.max(0, this.#ports.now() - this.#engineMs - started));
      },
      failed: (error) => {
        const open = this.#jobs.get(job.key);
        const reason = asStageError(error);
        const sender = reason.code === 'bad-receipt' ? job.upstream : reason.code === 'bad-acknowledgement' ? job.downstream : undefined;
        if (sender !== undefined) this.#refuse(sender, open, reason);
        else if (open !== undefined) this.#report(open, reason);
      },
      rooted: (root) => this.nonces.rooted(job.plan.job, job.plan.version, { network: this.#identity.network, planHash: job.planHash, root }),
    });
  }

  #refusePlan(code: StageError['code'], plan: JobPlan, what: string): StageError {
    return new StageError(code, `The plan of job ${plan.job}, version ${plan.version}, ${what}.`, { fault: 'peer', fields: { job: plan.job, version: plan.version } });
  }
}

/** What is wrong with evidence of other workers' units, or with drafts: our own work does not depend on it. */
const EVIDENCE_REFUSALS: ReadonlySet<string> = new Set(['bad-receipt', 'bad-acknowledgement', 'bad-head', 'bad-drafts']);

/** Errors of other rooms keep their message; what they mean for the stage is that it failed. */
function asStageError(error: unknown): StageError {
  if (error instanceof StageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StageError('stage-failed', message, { fault: error instanceof CiroError ? error.fault : 'bug', cause: error });
}
