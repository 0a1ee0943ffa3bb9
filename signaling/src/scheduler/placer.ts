import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import { cutBytes, ringTime } from './cut-layers.ts';
import { modelFootprint } from './model-footprint.ts';
import { place } from './placement.ts';
import { RingLinks } from './ring-links.ts';
import { SettleTimer } from './settle-timer.ts';
import { DEFAULT_STAGES, ENGINE_RESTART_MS, EXPECTED_WORKERS_WAIT_MS, PLACEMENT_DEBOUNCE_MS, RESERVED_POSITIONS } from './scheduler-limits.ts';
import { stageStatus } from './slot.ts';
import { Standby } from './standby.ts';
import { takeOver } from './take-over.ts';
import { bookJob } from './worker-turnout.ts';
import { reservedFor } from './workforce.ts';
import type { Worker, WorkMessage } from '../sessions/worker.ts';
import type { Cut, PlacementWorker, RingTime } from './cut-layers.ts';
import type { ServedModel } from './models-port.ts';
import type { Placed, PlacedStage, Placement } from './placement.ts';
import type { PlacerDeps, PlacerOptions, PlacerOwner, ReadyPlacement } from './placer-port.ts';
import type { StageRecord } from './job-order.ts';
import type { Shortage } from './shortage.ts';
import type { LinkStatus } from './ring-links.ts';
import type { LayerRange, Slot, StageStatus } from './slot.ts';
import type { StandbyRing } from './standby.ts';
import type { TimedRecord } from './worker-turnout.ts';
import type { Workforce } from './workforce.ts';

export type { PlacerOptions, ReadyPlacement } from './placer-port.ts';

interface Current extends StandbyRing {
  readonly positions: number;
  /** Stages aimed at when it was made: it is made anew when that changes. */
  readonly aimed: number;
  /** Of an answer alone over it, by what is known of its workers; undefined while a range has none. */
  time: RingTime | undefined;
}

/** Keeps the current placement: places, assigns, watches links, has spares stand by, and gives them the ranges of workers that are lost. */
export class Placer {
  readonly #deps: PlacerDeps;
  readonly #options: PlacerOptions;
  readonly #owner: PlacerOwner;
  readonly #force: Workforce;
  readonly #links: RingLinks;
  readonly #standby: Standby;
  /** The last ring that had a worker for every range: who comes back gets its range again, with the shards it has cached. */
  #lastRing: { readonly modelId: HexHash; readonly stages: readonly PlacedStage[] } | undefined;
  #aim: { readonly modelId: HexHash | undefined; readonly stages: number; readonly exclude: ReadonlySet<NodeId> };
  #current: Current | undefined;
  #uncoveredSince: number;
  /** The first debounce, or the expected number of workers, is over. */
  #settled = false;
  /** The placement is to be made anew as soon as no job runs. */
  #due = false;
  /** Another ring is known to be worth the move. */
  #better = false;
  readonly #timer: SettleTimer;
  #closed = false;

  constructor(deps: PlacerDeps, options: PlacerOptions, owner: PlacerOwner) {
    this.#deps = deps;
    this.#options = options;
    this.#owner = owner;
    this.#force = deps.force;
    this.#aim = { modelId: undefined, stages: options.stages ?? DEFAULT_STAGES, exclude: new Set() };
    this.#uncoveredSince = deps.clock.now();
    this.#timer = new SettleTimer(deps.clock, () => this.settle());
    this.#standby = new Standby(deps.force.assignments, { ...deps, book: deps.force.book });
    this.#links = new RingLinks({
      clock: deps.clock,
      introductions: deps.introductions,
      newLink: deps.force.newLink,
      owner: {
        linkLost: (a, b) => {
          owner.linkLost(a, b);
          owner.placementChanged();
        },
        linkHopeless: (a, b) => this.#hopeless(a, b),
        linkOpened: () => owner.placementChanged(),
        linkMeasured: (from, peer, rttMs) => deps.force.book.rtts.told(from, peer, rttMs),
        busy: () => owner.busy(),
      },
    });
  }

  /** What the next job needs; a placement that is made otherwise, or with one of `exclude`, is made anew as soon as no job runs. */
  aim(modelId: HexHash, stages: number | undefined, exclude: readonly NodeId[]): void {
    const before = this.#aim;
    this.#aim = { modelId, stages: stages ?? this.#options.stages ?? DEFAULT_STAGES, exclude: new Set(exclude) };
    const current = this.#current;
    const others = this.#settled && before.exclude.symmetricDifference(this.#aim.exclude).size > 0;
    const otherwise = current !== undefined && (before.stages !== this.#aim.stages || current.model.id !== this.wanted.id);
    if (others || otherwise) this.#due = this.#wantsReplacement();
    this.replaceIfIdle();
    if (others) this.standBy();
  }

  /** No job waits for which anybody must be passed over. */
  excludeNobody(): void {
    const { modelId, stages, exclude } = this.#aim;
    if (exclude.size > 0 && modelId !== undefined) this.aim(modelId, stages, []);
  }

  /** A worker can be placed, or measured itself anew. */
  joined(worker: Worker): void {
    const slot = this.#slotOf(worker.nodeId);
    if (slot === undefined) return this.grown();
    if (this.#current !== undefined) this.#current.time = undefined; // measured anew: the range stays, the next placement uses the new figures
  }

  /** There are workers that have no part in the placement. */
  grown(): void {
    const { expectWorkers = 0 } = this.#options;
    this.#fillVacancies();
    this.standBy();
    if (this.#settled || expectWorkers === 0) this.#settleLater();
    else if (this.eligible().length >= expectWorkers) this.settle();
    else this.#settleLater(EXPECTED_WORKERS_WAIT_MS);
    this.#owner.placementChanged();
  }

  /** A worker has loaded what it was told to hold. */
  loaded(): void {
    this.standBy();
    this.#owner.placementChanged();
  }

  /** A worker takes no more work: its range goes to a spare at once. Without one the others keep theirs for a while when it `returns`. */
  left(nodeId: NodeId, reason: string, returns = false): void {
    this.#force.forget(nodeId);
    this.#links.drop(nodeId);
    const slot = this.#slotOf(nodeId);
    if (slot !== undefined) return this.#vacate(slot, reason, returns ? ENGINE_RESTART_MS : PLACEMENT_DEBOUNCE_MS);
    this.standBy();
    this.#owner.placementChanged();
  }

  /** A worker's word on a link; false when the link is not its own. */
  link(from: NodeId, message: Extract<WorkMessage, { type: 'link' }>): boolean {
    return this.#links.handle(from, message);
  }

  /** How two neighbours reach each other, for the evidence, which tells no more than whether it was directly. */
  route(a: NodeId, b: NodeId): StageRecord['link'] {
    const route = this.#links.route(a, b);
    return route === 'turn' ? 'relay' : route;
  }

  /** Links between the stages now. */
  get links(): readonly LinkStatus[] {
    return this.#links.status;
  }

  /** The placement when every stage is ready, every link open, and it is what was aimed at. */
  get ready(): ReadyPlacement | undefined {
    const current = this.#current;
    if (current === undefined || this.#wantsReplacement() || !this.#links.allOpen) return undefined;
    const stages = [];
    for (const { holder, from, to } of current.slots) {
      const worker = holder?.ready === true ? this.#deps.workers.worker(holder.worker) : undefined;
      if (worker === undefined) return undefined;
      stages.push({ worker, layers: [from, to] as const });
    }
    return { model: current.model, stages, positions: current.positions };
  }

  /** Ranges of the placement in order; none before the first. */
  get ranges(): readonly LayerRange[] {
    return this.#current?.slots ?? [];
  }

  /** How long a position takes over the placement, as far as it is known; undefined while a range has no worker. */
  get time(): RingTime | undefined {
    const current = this.#current;
    if (current === undefined || this.uncoveredSince !== undefined) return undefined;
    return (current.time ??= ringTime(this.#cuts(current), current.footprint));
  }

  /** The same where no pair's round trip is known (SPEC W5), as of a ring that is not made yet. */
  get timeOfStrangers(): RingTime | undefined {
    const current = this.#current;
    if (current === undefined || this.uncoveredSince !== undefined) return undefined;
    return ringTime(this.#cuts(current).map(({ worker: { rttTo: _, ...worker }, ...range }) => ({ ...range, worker })), current.footprint);
  }

  /** Every range has a worker, and all of them have loaded it. */
  get isLoaded(): boolean {
    return this.#current?.slots.every(({ holder }) => holder?.ready === true) === true;
  }

  /** Whether the worker has a range. */
  isPlaced(worker: NodeId): boolean {
    return this.#slotOf(worker) !== undefined;
  }

  /** Memory that a further worker needs to be of use (bytes): for a range that has none, or for any where no spare could take it over; undefined when nobody is lacking. */
  get lacks(): { readonly bytes: number; readonly vacant: boolean } | undefined {
    const current = this.#current;
    if (current === undefined) return undefined;
    const bytesOf = ({ from, to }: Slot): number => cutBytes(from, to, current.footprint, current.reserved);
    const vacant = current.slots.filter(({ holder }) => holder === undefined);
    if (vacant.length > 0) return { bytes: Math.min(...vacant.map(bytesOf)), vacant: true };
    return this.spares.length === 0 ? { bytes: Math.max(...current.slots.map(bytesOf)), vacant: false } : undefined;
  }

  /** The model that is placed. */
  get modelId(): HexHash | undefined {
    return this.#current?.model.id;
  }

  /** Since when no placement covers the model; undefined while one does. */
  get uncoveredSince(): number | undefined {
    return this.#current?.slots.every((slot) => slot.holder !== undefined) === true ? undefined : this.#uncoveredSince;
  }

  /** Workers that may be placed. */
  get placeable(): number {
    return this.eligible().length;
  }

  /** What they, or others, lack to hold a model, by default the one that is aimed at; undefined when they can (SPEC P4). */
  shortage(model: ServedModel = this.wanted, among = this.#deps.workers.workers()): Shortage | undefined {
    return this.#force.shortage(this.eligible(among), model);
  }

  /** Stages of the current placement in order; none before the first. */
  get stages(): readonly StageStatus[] {
    return (this.#current?.slots ?? []).map(stageStatus);
  }

  /** Ranges of the placement that a spare has loaded, too: losing one of their workers costs no load. */
  get standby(): number {
    return this.#current === undefined ? 0 : this.#standby.covered(this.#current, this.spares);
  }

  /**
   * A job over this placement is recorded: its workers are placed by their real times from now on. `alone`: no other job shared the
   * ring. Who is far slower than it said counts as one that failed, and its range goes to another when that pays off.
   */
  served(record: TimedRecord, alone: boolean): void {
    const current = this.#current;
    if (this.#closed || current === undefined) return;
    const { workers } = this.#deps;
    const slow = bookJob(record, { alone, footprint: current.footprint, workers, book: this.#force.book });
    for (const worker of slow) workers.failedJob(worker);
    current.time = undefined;
    if (slow.length > 0) this.#reconsider();
  }

  /** Makes the placement anew if that is due and no job runs over it; says whether it did. */
  replaceIfIdle(): boolean {
    if (!this.#due || this.#owner.busy()) return false;
    this.#due = false;
    this.#dismiss();
    if (this.#better || (this.#wantsReplacement() && !(this.#isBroken && this.#owner.givesUp?.() === true))) this.#place();
    this.#better = false;
    return true;
  }

  /** Cancels every timer and closes the links; nothing is placed any more. */
  close(): void {
    this.#closed = true;
    this.#timer.end();
    this.#links.set([]);
  }

  /** Which of these may be placed for the job that is aimed at. */
  eligible(among = this.#deps.workers.workers()): Worker[] {
    return among.filter(({ nodeId }) => this.#force.mayBePlaced(nodeId) && !this.#aim.exclude.has(nodeId));
  }

  /** Who has no part in the placement, and may be given one. */
  get spares(): Worker[] {
    return this.eligible().filter(({ nodeId }) => this.#slotOf(nodeId) === undefined);
  }

  /** Demoted for good, or passed over for the job that is aimed at. */
  #isOut(nodeId: NodeId): boolean {
    return this.#aim.exclude.has(nodeId) || this.#deps.standings.isDemoted(nodeId);
  }

  /** Somebody turned out to be demoted: jobs over it go on, the next one runs over others. */
  demoted(): void {
    if (this.#closed || this.#current === undefined) return;
    this.#due = this.#wantsReplacement();
    this.replaceIfIdle();
    this.standBy();
    this.#owner.placementChanged();
  }

  /** Takes their ranges from workers that are out, where spares can take them over: then the others keep theirs. */
  #dismiss(): void {
    const current = this.#current;
    if (current === undefined || current.model.id !== this.wanted.id || current.aimed !== this.#aimed) return;
    const out = current.slots.filter(({ holder }) => holder !== undefined && this.#isOut(holder.worker));
    const dismissed = out.flatMap(({ holder }) => holder?.worker ?? []);
    for (const slot of out) slot.holder = undefined;
    if (dismissed.length > 0) this.#fillVacancies();
    dismissed.forEach((worker) => this.#force.assignments.takeAway(worker, current.model.id));
  }

  /** Stages that can be had of those that are aimed at. */
  get #aimed(): number {
    return Math.min(this.#aim.stages, this.eligible().length);
  }

  /** A range has no worker that may go on with it. */
  get #isBroken(): boolean {
    return this.#current?.slots.some(({ holder }) => holder === undefined || this.#deps.standings.isDemoted(holder.worker)) === true;
  }

  #cuts({ slots, model }: Current): Cut[] {
    const here = slots.flatMap(({ holder }) => (holder === undefined ? [] : (this.#deps.workers.worker(holder.worker) ?? [])));
    const figures = this.#figuresOf(here, model);
    return slots.flatMap(({ from, to, holder }) => figures.filter(({ nodeId }) => nodeId === holder?.worker).map((worker) => ({ worker, from, to })));
  }

  #slotOf(nodeId: NodeId): Slot | undefined {
    return this.#current?.slots.find((slot) => slot.holder?.worker === nodeId);
  }

  /** The model that is aimed at: what is placed, unless a job runs or nobody can hold it. */
  get wanted(): ServedModel {
    const { models } = this.#deps;
    return (this.#aim.modelId === undefined ? undefined : models.get(this.#aim.modelId)) ?? models.default();
  }

  /** True when the placement is not the one that is aimed at: other stages, another model, a range without a worker. */
  #wantsReplacement(): boolean {
    const current = this.#current;
    if (current === undefined) return true;
    const aimed = this.#aimed;
    return current.model.id !== this.wanted.id || (aimed > 0 && current.aimed !== aimed) || current.slots.some(({ holder }) => holder === undefined || this.#isOut(holder.worker));
  }

  #settleLater(ms = PLACEMENT_DEBOUNCE_MS): void {
    if (this.#timer.later(ms)) this.#due = false;
  }

  /** Who is here by now is who there is: ranges without a worker go to spares, and the placement is made, or made anew, if need be. */
  settle(): void {
    const { clock, times } = this.#deps;
    const from = clock.now();
    this.#timer.end();
    this.#settled = true;
    this.#fillVacancies();
    this.#due = this.#wantsReplacement();
    this.replaceIfIdle();
    this.standBy();
    times?.decided('placement', clock.now() - from);
    this.#owner.placementChanged();
  }

  #place(): void {
    const model = this.wanted;
    const placement = this.#search(model, this.eligible());
    if (placement.placed) return this.begin(placement);
    if (this.#current !== undefined) this.#uncoveredSince = this.#deps.clock.now();
    this.#current = undefined;
    this.#links.set([]);
  }

  /** Makes this the placement. Whoever keeps model and range keeps its shards and is told nothing. */
  begin({ stages, positions }: Placed): void {
    const model = this.wanted;
    const before = this.#current;
    const kept = (stage: PlacedStage): Slot | undefined =>
      before?.model.id === model.id ? before.slots.find((slot) => slot.holder?.worker === stage.worker && slot.from === stage.from && slot.to === stage.to) : undefined;
    const slots = stages.map((stage): Slot => kept(stage) ?? { from: stage.from, to: stage.to, holder: undefined });
    this.#settled = true;
    this.#current = { model, footprint: modelFootprint(model.manifest), slots, positions, reserved: Math.min(positions, RESERVED_POSITIONS), aimed: this.#aimed, time: undefined };
    stages.forEach((stage, index) => {
      const slot = slots[index];
      if (slot !== undefined && slot.holder === undefined) slot.holder = this.#force.assignments.give(stage.worker, model.id, slot, false);
    });
    this.#ringChanged();
  }

  #search(model: ServedModel, workers: readonly Worker[]): Placement {
    const previous = this.#lastRing?.modelId === model.id ? { previous: this.#lastRing.stages } : {};
    return place({ footprint: modelFootprint(model.manifest), workers: this.#figuresOf(workers, model), stages: this.#aim.stages, positions: reservedFor(model), ...previous });
  }

  /** Somebody in the ring is not what it said: another ring is made once no job runs, if the move there pays off. */
  #reconsider(): void {
    const current = this.#current;
    if (current === undefined || this.#wantsReplacement()) return;
    const placement = this.#search(current.model, this.eligible());
    const same = placement.placed && placement.stages.every(({ worker, from, to }, stage) => {
      const slot = current.slots[stage];
      return slot?.holder?.worker === worker && slot.from === from && slot.to === to;
    });
    if (!placement.placed || same) return;
    this.#better = true;
    this.#due = true;
    this.replaceIfIdle();
    this.#owner.placementChanged();
  }

  #figuresOf(workers: readonly Worker[], model: ServedModel): PlacementWorker[] {
    return this.#force.figuresOf(workers, model.id);
  }

  #ringChanged(): void {
    const current = this.#current;
    const stages = (current?.slots ?? []).flatMap(({ holder, from, to }): PlacedStage[] => (holder === undefined ? [] : [{ worker: holder.worker, from, to }]));
    if (current !== undefined && stages.length === current.slots.length) this.#lastRing = { modelId: current.model.id, stages };
    if (current !== undefined) current.time = undefined;
    this.#linkRing();
    this.standBy();
  }

  /** Has every spare stand by for the placement, and whoever must not be placed hold nothing. Not while the placement is to change. */
  standBy(): void {
    const current = this.#current;
    if (this.#closed || current === undefined || this.#wantsReplacement()) return;
    const spares = this.spares;
    for (const { nodeId } of this.#deps.workers.workers()) {
      const barred = !this.#force.mayBePlaced(nodeId);
      // Who is only passed over for one job keeps what it holds for the next.
      const idle = this.#aim.exclude.has(nodeId) && this.#force.assignments.of(nodeId) === undefined;
      if (this.#slotOf(nodeId) === undefined && (barred || idle)) this.#force.assignments.takeAway(nodeId, current.model.id);
    }
    this.#standby.arrange(current, spares);
  }

  #linkRing(): void {
    this.#links.set((this.#current?.slots ?? []).map((slot) => slot.holder?.worker ?? null));
  }

  /** It does not have the memory, or the line, that it said: named to its record, and not given as much again. */
  loadFailed(worker: NodeId, reason: string): void {
    const told = this.#force.assignments.of(worker);
    const identity = this.#deps.workers.worker(worker);
    if (this.#current !== undefined && told != null) this.#force.book.failedLoad(worker, cutBytes(told.from, told.to, this.#current.footprint, this.#current.reserved));
    if (identity !== undefined) this.#deps.workers.failedJob(identity);
    this.#fail(worker, reason);
  }

  /** The worker cannot do its part: it is left alone for a while, and its range, if it has one in the ring, goes to a spare. */
  #fail(worker: NodeId, reason: string): void {
    this.#force.rest(worker);
    const slot = this.#slotOf(worker);
    if (slot !== undefined) this.#vacate(slot, reason);
    else this.standBy();
    this.#force.assignments.takeAway(worker, this.wanted.id);
  }

  #vacate(slot: Slot, reason: string, waitMs = PLACEMENT_DEBOUNCE_MS): void {
    const worker = slot.holder?.worker;
    if (worker === undefined) return;
    slot.holder = undefined;
    this.#owner.stageLost(worker, reason);
    this.#fillVacancies();
    if (slot.holder === undefined) {
      this.#uncoveredSince = this.#deps.clock.now();
      this.#linkRing();
      this.#settleLater(waitMs);
    }
    this.#owner.placementChanged();
  }

  /** Gives vacant ranges to spares that have room, those that stand by with them first. Others keep theirs. */
  #fillVacancies(): void {
    const current = this.#current;
    if (current === undefined) return;
    const { model, footprint, slots, reserved } = current;
    const last = (worker: NodeId): PlacedStage | undefined => this.#lastRing?.stages.find((stage) => stage.worker === worker);
    let filled = false;
    for (const slot of slots) {
      if (slot.holder !== undefined) continue;
      const bytes = cutBytes(slot.from, slot.to, footprint, reserved);
      const able = this.#figuresOf(this.spares, model).filter(({ memoryBudgetBytes }) => memoryBudgetBytes >= bytes);
      const successors = able.map((worker) => ({ worker, standby: this.#standby.of(worker.nodeId, model.id), last: last(worker.nodeId) }));
      const spare = takeOver(slot, successors, slots.filter(({ holder }) => holder === undefined), footprint);
      if (spare === undefined) continue;
      slot.holder = this.#force.assignments.give(spare, model.id, slot, false);
      filled = true;
    }
    if (filled) this.#ringChanged();
  }

  /** Of two neighbours that cannot link, the one with fewer links open goes; a tie falls on the later stage. */
  #hopeless(a: NodeId, b: NodeId): void {
    const slots = this.#current?.slots ?? [];
    if (this.spares.length === 0) return; // nobody could do better: the links go on being tried
    const up = (nodeId: NodeId): number => slots.filter((slot) => slot.holder !== undefined && slot.holder.worker !== nodeId && this.#links.isOpen(nodeId, slot.holder.worker)).length;
    const [first, second] = slots.filter((slot) => slot.holder?.worker === a || slot.holder?.worker === b);
    if (first?.holder === undefined || second?.holder === undefined) return;
    const victim = up(first.holder.worker) < up(second.holder.worker) ? first : second;
    this.#fail(victim === first ? first.holder.worker : second.holder.worker, 'its neighbour could not be reached');
  }
}
