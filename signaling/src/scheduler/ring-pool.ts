import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import { chooseRing, positionMs } from './choose-ring.ts';
import { dealRing, helperOf, isStrong, surplusOf } from './deal-ring.ts';
import { modelFootprint } from './model-footprint.ts';
import { Placer } from './placer.ts';
import { Ring } from './ring.ts';
import { DEFAULT_STAGES, LEAST_RING_SPEED, MAX_LOADING_RINGS, MAX_RINGS, MAX_RUNNING_JOBS, MENDED_WITHIN_MS, NEXT_RING_MS, PLACEMENT_DEBOUNCE_MS } from './scheduler-limits.ts';
import { reservedFor, Workforce } from './workforce.ts';
import type { Holder } from '../relay/weights-desk.ts';
import type { Worker, WorkMessage } from '../sessions/worker.ts';
import type { ShardsMessage } from './assignments.ts';
import type { RingDeal } from './deal-ring.ts';
import type { ServedModel } from './models-port.ts';
import type { PlacerDeps, PlacerOptions, PlacerOwner, ReadyPlacement } from './placer-port.ts';
import type { RingOffer, RingStatus, RingWish } from './ring.ts';
import type { Shortage } from './shortage.ts';
import type { WorkerFigures } from './worker-turnout.ts';
import type { Workers } from './workers-port.ts';

export type RingPoolDeps = Omit<PlacerDeps, 'force' | 'workers'> & { readonly workers: Pick<Workers, 'workers' | 'worker' | 'failedJob' | 'send'> };

export interface RingPoolOptions extends PlacerOptions {
  /** Jobs at the same time over one ring. */
  readonly maxRunning?: number;
  /** Rings at a time. */
  readonly maxRings?: number;
  /** Part of the first one's speed that a further ring must have, 0 … 1. */
  readonly leastRingSpeed?: number;
}

export type RingPoolOwner = Pick<PlacerOwner, 'placementChanged' | 'stageLost' | 'linkLost'>;

/** A job that can begin, or never will. */
export type NextJob<Job> = { readonly job: Job } & ({ readonly ring: Ring; readonly placement: ReadyPlacement } | { readonly tooLong: ReadyPlacement });

/**
 * The rings of a network (SPEC P5, G10). The first is placed over everybody who is in no other, as if it were alone; workers that it has over make
 * further ones, one a decision, which keep their own until they cannot be mended.
 */
export class RingPool {
  readonly #deps: RingPoolDeps;
  readonly #options: RingPoolOptions;
  readonly #owner: RingPoolOwner;
  readonly #force: Workforce;
  /** The first, then the further ones as they were made. */
  #rings: [Ring, ...Ring[]];
  /** Workers of further rings. */
  readonly #homes = new Map<NodeId, Ring>();
  #made = 0;
  /** Since the last try that gave none, workers came or came free: another ring, or a spare for one, may be had. */
  #mayForm = true;
  #mayHelp = true;
  #formAfterMs = PLACEMENT_DEBOUNCE_MS;
  #cancelForming: (() => void) | undefined;
  /** Of a look at jobs that wait until a ring is mended. */
  #cancelLook: (() => void) | undefined;
  #tending = false;
  #closed = false;

  constructor(deps: RingPoolDeps, options: RingPoolOptions, owner: RingPoolOwner) {
    this.#deps = deps;
    this.#options = options;
    this.#owner = owner;
    this.#force = new Workforce(deps, {
      loaded: (worker) => this.#ringOf(worker).placer.loaded(),
      loadFailed: (worker, reason) => this.#ringOf(worker).placer.loadFailed(worker, reason),
      rests: (worker) => {
        this.#mayHelp = true;
        this.#setFree(worker);
      },
      rested: () => {
        this.#grew();
        this.#first.placer.settle();
      },
    });
    this.#rings = [this.#newRing()];
    deps.standings.onDemoted((worker) => this.#ringOf(worker).placer.demoted());
  }

  /** A worker can be placed, or measured itself anew. It goes where it helps most: to a ring that lacks it, else to those that are over. */
  joined(worker: Worker): void {
    this.#force.book.profiled(worker.nodeId, worker.profile.layerMs);
    const home = this.#homes.get(worker.nodeId) ?? this.#lacking(worker);
    if (home === undefined) this.#grew();
    else this.#admit(worker.nodeId, home);
    (home ?? this.#first).placer.joined(worker);
  }

  /** A worker takes no more work; one that `returns`, or whose ring cannot do without it, is its ring's for a while. */
  left(worker: NodeId, reason: string, returns = false): void {
    const ring = this.#ringOf(worker);
    this.#mayHelp = true;
    ring.placer.left(worker, reason, returns);
    if (!returns && ring.placer.lacks?.vacant !== true) this.#setFree(worker);
  }

  /** A worker's shards; false when it names an assignment that was never made. */
  shards(from: NodeId, message: ShardsMessage): boolean {
    return this.#force.assignments.shards(from, message);
  }

  /** A worker's word on a link; false when the link is not its own. */
  link(from: NodeId, message: Extract<WorkMessage, { type: 'link' }>): boolean {
    return this.#rings.every(({ placer }) => placer.link(from, message));
  }

  /** One end of an open link for weights told its round trip (SPEC W5). */
  linkMeasured(from: NodeId, peer: NodeId, rttMs: number): void {
    this.#force.book.rtts.told(from, peer, rttMs);
  }

  /** Who has loaded layers of this model since it connected, and whether a job runs over it now. */
  holders(modelId: HexHash): Holder[] {
    return this.#force.assignments.holders(modelId).map((holder) => ({ ...holder, computes: this.#computes(holder.worker) }));
  }

  /**
   * Of jobs in the order in which they are to begin the first that can (SPEC E3): over the ring that is predicted to finish it first, of those that are ready and have
   * room. A job takes no ring that one before it waits for. What no further ring does for, the first is placed for as soon as it is idle. `shareOf`: the part of a job's
   * work that is left to do over this placement, 0 to 1.
   */
  next<Job>(waiting: Iterable<Job>, wishOf: (job: Job) => RingWish, shareOf: (placement: ReadyPlacement, job: Job) => number = () => 1): NextJob<Job> | undefined {
    const further = this.#rings.slice(1).flatMap((ring) => ring.offer() ?? []);
    const awaited = new Set<Ring>();
    const { maxRunning = MAX_RUNNING_JOBS } = this.#options;
    for (const job of waiting) {
      const wish = wishOf(job);
      const suited = further.filter(({ ring }) => this.#suits(ring, wish));
      if (!awaited.has(this.#first) && (suited.length === 0 || this.#isUsual(wish))) this.#first.placer.aim(wish.modelId, wish.stages, wish.exclude);
      const first = awaited.has(this.#first) ? undefined : this.#first.offer();
      const offers = first !== undefined && first.ring.suits(wish) ? [first, ...suited.filter(({ ring }) => ring !== first.ring)] : suited;
      const roomy = offers.filter(({ placement }) => wish.positions <= placement.positions);
      const open = roomy.filter(({ ring, jobs, placement }) => !awaited.has(ring) && jobs < maxRunning && ring.positions + wish.positions <= placement.positions);
      const chosen = chooseRing<RingOffer>(open, ({ placement }) => shareOf(placement, job));
      const sooner = chosen === undefined ? undefined : this.#mendedSooner(wish, shareOf(chosen.placement, job) * wish.positions * positionMs(chosen), awaited);
      if (sooner !== undefined) {
        awaited.add(sooner);
        continue;
      }
      if (chosen !== undefined) return { job, ring: chosen.ring, placement: chosen.placement };
      if (roomy.length === 0 && offers[0] !== undefined && offers[0] === first) return { job, tooLong: offers.reduce((most, each) => (each.placement.positions > most.placement.positions ? each : most)).placement };
      for (const { ring } of roomy) awaited.add(ring);
      if (roomy.length === 0) awaited.add(this.#first);
    }
    return undefined;
  }

  /** Tells of jobs whether a ring serves what they ask for, or is busy and may do so then. */
  hopes(): (wish: RingWish) => boolean {
    const able = this.#rings.filter((ring) => ring.running.size > 0 || ring.offer() !== undefined);
    return (wish) => able.some((ring) => ring === this.#first || (!ring.ending && this.#suits(ring, wish)));
  }

  /** No job waits for which anybody must be passed over. */
  excludeNobody(): void {
    if (this.#first.running.size === 0) this.#first.placer.excludeNobody();
  }

  /** Changes placements that are due, and ends rings that are to end, where no job runs; says whether it did. */
  replaceIfIdle(): boolean {
    const over = this.#rings.filter(({ ending, running }) => ending && running.size === 0);
    for (const ring of over) this.#disband(ring);
    return over.length > 0 || [...this.#rings].filter(({ placer }) => placer.replaceIfIdle()).length > 0;
  }

  /** Some ring is ready. */
  get ready(): boolean {
    return this.#rings.some(({ placer }) => placer.ready !== undefined);
  }

  /** Since when nobody covers the model of the first ring; undefined while its placement does. */
  get uncoveredSince(): number | undefined {
    return this.#first.placer.uncoveredSince;
  }

  /** Workers that may be placed for the job that is aimed at. */
  get placeable(): number {
    return this.#first.placer.eligible(this.#deps.workers.workers()).length;
  }

  /** What all workers lack to hold a model, by default the one that is aimed at; undefined when they can (SPEC P4): rings end where their workers are needed for it. */
  shortage(model?: ServedModel): Shortage | undefined {
    return this.#first.placer.shortage(model, this.#deps.workers.workers());
  }

  /** What each connected worker turned out to be, for operators. */
  figures(): readonly WorkerFigures[] {
    return this.#force.turnedOut(this.#deps.workers.workers());
  }

  /** Every ring, the first one first. */
  status(): RingStatus[] {
    return this.#rings.map(({ number, placer, running }) => ({ number, ready: placer.ready !== undefined, running: running.size, stages: placer.stages, links: placer.links, spares: placer.spares.length, standby: placer.standby }));
  }

  /** Cancels every timer; nothing is placed any more. */
  close(): void {
    this.#closed = true;
    this.#cancelForming?.();
    this.#cancelLook?.();
    for (const { placer } of this.#rings) placer.close();
    this.#force.close();
  }

  get #first(): Ring {
    return this.#rings[0];
  }

  #ringOf(worker: NodeId): Ring {
    return this.#homes.get(worker) ?? this.#first;
  }

  get #stages(): number {
    return this.#options.stages ?? DEFAULT_STAGES;
  }

  /** What further rings are made for. */
  #isUsual({ modelId, stages, exclude }: RingWish): boolean {
    return modelId === this.#deps.models.default().id && (stages ?? this.#stages) === this.#stages && exclude.length === 0;
  }

  #suits(ring: Ring, wish: RingWish): boolean {
    return (wish.stages ?? this.#stages) === this.#stages && ring.suits(wish);
  }

  /** A ring that is about to be mended, and is predicted to finish the job before `finishMs` all the same. */
  #mendedSooner(wish: RingWish, finishMs: number, awaited: ReadonlySet<Ring>): Ring | undefined {
    const now = this.#deps.clock.now();
    const sooner = this.#rings.find((ring) => !awaited.has(ring) && (ring.mendedFinishMs(wish.positions, now) ?? Number.POSITIVE_INFINITY) < finishMs && ring.offer() === undefined && this.#suits(ring, wish));
    // Where its links do not open in time the job goes elsewhere.
    if (sooner !== undefined) this.#cancelLook ??= this.#deps.clock.after(MENDED_WITHIN_MS, () => {
      this.#cancelLook = undefined;
      this.#owner.placementChanged();
    });
    return sooner;
  }

  #computes(worker: NodeId): boolean {
    const { running, placer } = this.#ringOf(worker);
    return running.size > 0 && placer.isPlaced(worker);
  }

  #newRing(): Ring {
    const { workers } = this.#deps;
    return new Ring(this.#made++, (ring) => {
      const members = (): readonly Worker[] => (ring === this.#first ? workers.workers().filter(({ nodeId }) => !this.#homes.has(nodeId)) : [...ring.members].sort().flatMap((id) => workers.worker(id) ?? []));
      const owner: PlacerOwner = {
        ...this.#owner,
        placementChanged: () => {
          this.#tend();
          this.#owner.placementChanged();
        },
        stageLost: (worker, reason) => {
          ring.brokeAt = this.#deps.clock.now();
          this.#owner.stageLost(worker, reason);
        },
        busy: () => ring.running.size > 0,
        givesUp: () => this.#givesUp(ring),
      };
      return new Placer({ ...this.#deps, force: this.#force, workers: { workers: members, worker: (id) => workers.worker(id), failedJob: (identity) => workers.failedJob(identity) } }, this.#options, owner);
    });
  }

  /** Workers came, or came free. */
  #grew(): void {
    this.#mayForm = true;
    this.#mayHelp = true;
    this.#formAfterMs = PLACEMENT_DEBOUNCE_MS;
  }

  #admit(worker: NodeId, ring: Ring): void {
    this.#homes.set(worker, ring);
    ring.members.add(worker);
  }

  /** Back to those that are in no further ring. */
  #setFree(worker: NodeId): void {
    this.#homes.get(worker)?.members.delete(worker);
    this.#homes.delete(worker);
  }

  /** The further ring that lacks just this worker, one with a vacant range first; undefined when the first one lacks it itself, or nobody does. */
  #lacking(worker: Worker): Ring | undefined {
    if (this.#rings.length === 1 || this.#first.placer.lacks !== undefined) return undefined;
    const lacking = this.#rings.slice(1).flatMap((ring) => (ring.ending || ring.placer.lacks === undefined ? [] : [{ ring, ...ring.placer.lacks }]));
    const deal = lacking.length === 0 ? undefined : this.#deal([worker]);
    const [figures] = deal?.free ?? [];
    if (deal === undefined || figures === undefined || !isStrong(figures, deal)) return undefined;
    const [best] = lacking.filter(({ bytes }) => bytes <= figures.memoryBudgetBytes).sort((a, b) => Number(b.vacant) - Number(a.vacant));
    return best?.ring;
  }

  /** What a further ring would be dealt from, over these workers as far as they are free; undefined while the first one serves something else. */
  #deal(among: readonly Worker[] = this.#deps.workers.workers()): RingDeal | undefined {
    const { placer } = this.#first;
    const model = this.#deps.models.default();
    const { timeOfStrangers: time, ranges, modelId } = placer;
    if (time === undefined || modelId !== model.id) return undefined;
    const free = among.filter(({ nodeId }) => !this.#homes.has(nodeId) && !placer.isPlaced(nodeId) && this.#force.mayBePlaced(nodeId));
    return { footprint: modelFootprint(model.manifest), positions: reservedFor(model), stages: this.#stages, leastSpeed: this.#options.leastRingSpeed ?? LEAST_RING_SPEED, first: { ranges, totalMs: time.totalMs }, free: this.#force.figuresOf(free, model.id) };
  }

  /** After every change: rings that lack somebody are helped, and another is made when there are workers for it. */
  #tend(): void {
    if (this.#tending || this.#closed) return;
    this.#tending = true;
    try {
      this.#help();
      this.#makeRoom();
      this.#formLater();
    } finally {
      this.#tending = false;
    }
  }

  /** Gives workers that are over to rings that lack one, those with a vacant range first. */
  #help(): void {
    if (!this.#mayHelp || this.#rings.length === 1) return;
    const lacking = this.#rings.slice(1).flatMap((ring) => (ring.ending || ring.placer.lacks === undefined ? [] : [{ ring, ...ring.placer.lacks }]));
    const deal = lacking.length === 0 ? undefined : this.#deal();
    this.#mayHelp = false;
    if (deal === undefined) return;
    let surplus = surplusOf(deal);
    for (const { ring, bytes, vacant } of lacking.sort((a, b) => Number(b.vacant) - Number(a.vacant))) {
      // A ring that stands still needs one more than the first does its second spare.
      const free = surplus.length > 0 || !vacant ? surplus : deal.free.length > 1 ? deal.free.filter((worker) => isStrong(worker, deal)) : [];
      const helper = helperOf(free, bytes);
      const worker = helper === undefined ? undefined : this.#deps.workers.worker(helper);
      if (worker === undefined) continue;
      surplus = surplus.filter(({ nodeId }) => nodeId !== helper);
      this.#admit(worker.nodeId, ring);
      ring.placer.joined(worker);
      this.#mayHelp = true;
      // Nobody is waited for any more.
      for (const member of ring.placer.lacks === undefined ? [...ring.members] : []) if (this.#deps.workers.worker(member) === undefined) this.#setFree(member);
      this.#first.placer.standBy();
    }
  }

  /** The first ring has no placement because others have the workers: of the usual model another takes its place; for another model the newest end, until it can be placed. */
  #makeRoom(): void {
    const { placer } = this.#first;
    if (this.#rings.length === 1 || placer.ranges.length > 0 || placer.shortage() === undefined) return;
    if (placer.wanted.id === this.#deps.models.default().id) {
      this.#succeed();
      return;
    }
    if (this.#rings.some(({ ending }) => ending) || this.shortage() !== undefined) return;
    const newest = this.#rings.findLast(({ ending }, index) => index > 0 && !ending);
    if (newest === undefined) return;
    newest.ending = true;
    if (newest.running.size === 0) this.#disband(newest);
  }

  /** A ring that cannot be mended: a further one ends, and its workers are free; the first gives its place to another that stands. */
  #givesUp(ring: Ring): boolean {
    if (ring === this.#first) return ring.placer.modelId === this.#deps.models.default().id && this.#succeed();
    this.#disband(ring);
    return true;
  }

  #disband(ring: Ring): void {
    const [first, ...further] = this.#rings;
    this.#rings = [first, ...further.filter((each) => each !== ring)];
    ring.placer.close();
    for (const member of [...ring.members]) this.#setFree(member);
    this.#grew();
    first.placer.grown();
  }

  /** Another ring takes the place of the first, whose workers are free from then on; false when there is none that stands. */
  #succeed(): boolean {
    const [first, ...further] = this.#rings;
    const heir = further.find(({ placer, ending }) => !ending && placer.isLoaded);
    if (heir === undefined || first.running.size > 0) return false;
    this.#rings = [heir, ...further.filter((each) => each !== heir)];
    first.placer.close();
    for (const member of [...heir.members]) this.#setFree(member);
    this.#grew();
    heir.placer.grown();
    return true;
  }

  #formLater(): void {
    const { placer } = this.#first;
    const least = 2 * placer.ranges.length + this.#stages + 1;
    if (this.#cancelForming !== undefined || !this.#mayForm || this.#rings.length >= (this.#options.maxRings ?? MAX_RINGS) || this.#deps.workers.workers().length - this.#homes.size < least) return;
    if (!placer.isLoaded || placer.modelId !== this.#deps.models.default().id || this.#rings.filter((ring) => !ring.placer.isLoaded).length >= MAX_LOADING_RINGS) return;
    this.#cancelForming = this.#deps.clock.after(this.#formAfterMs, () => {
      this.#cancelForming = undefined;
      this.#form();
    });
  }

  /** Makes one further ring, if there is one to be made. */
  #form(): void {
    const { clock, times } = this.#deps;
    const from = clock.now();
    const deal = this.#deal();
    const dealt = deal === undefined ? undefined : dealRing(deal);
    this.#mayForm = deal === undefined || dealt !== undefined;
    if (dealt !== undefined) {
      this.#formAfterMs = NEXT_RING_MS;
      const ring = this.#newRing();
      this.#rings.push(ring);
      for (const worker of [...dealt.placement.stages.map((stage) => stage.worker), dealt.spare]) this.#admit(worker, ring);
      ring.placer.begin(dealt.placement);
      this.#first.placer.standBy();
    }
    times?.decided('placement', clock.now() - from);
    this.#formLater();
  }
}
