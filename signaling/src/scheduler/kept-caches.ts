import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { KEPT_CACHE_MS, MAX_PREFIX_JOBS } from '@ciro/core/protocol/limits.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan, PlanPrefix } from '@ciro/core/job/plan.ts';
import { idsHash } from './build-plan.ts';
import { KEPT_CACHE_MARGIN_MS, MAX_KEPT_JOBS, MAX_REMEMBERED_JOBS, PROMPT_POSITION_COST } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';
import type { JobOrder, JobRecord, StageRecord } from './job-order.ts';
import type { ReadyPlacement } from './placer.ts';

/** A recorded job whose stages keep what they computed. */
interface KeptJob {
  readonly account: string;
  readonly plan: JobPlan;
  readonly planHash: PlanPrefix['planHash'];
  /** Ids of the positions below `positions`, which every stage signed and its neighbour acknowledged. */
  readonly ids: readonly number[];
  readonly positions: number;
  /** This job, and those whose caches it began with. */
  readonly jobs: readonly JobId[];
  /** It moved: only the order that goes on with its answer may begin with it. */
  readonly moved: boolean;
  /** The stage whose worker is gone, and has to be rebuilt. */
  readonly lost: number | undefined;
  /** Stages that were rebuilt in this job or an earlier one. */
  readonly rebuilt: ReadonlySet<number>;
  readonly until: number;
}

/** What an order begins with: `jobs` and `rebuilt` are those of the job that the prefix names. */
export interface Reuse extends Pick<KeptJob, 'jobs' | 'rebuilt'> {
  readonly prefix: PlanPrefix;
}

interface Match {
  readonly kept: KeptJob;
  readonly positions: number;
  /** The stage that has another worker now. */
  readonly rebuilds: number | undefined;
  /** Positions that are spared: where one of three stages is rebuilt, two thirds of them. */
  readonly spared: number;
}

type Wanted = Pick<JobOrder, 'account' | 'modelId' | 'promptIds' | 'reuses' | 'continues'>;

/** Which kept caches an order may go on from (SPEC V2, V3). Says nothing to anybody: what workers do not keep any more they refuse. */
export class KeptCaches {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<JobId, KeptJob>();
  /** What is recorded later and stands on one of these is not kept either. */
  readonly #forgotten = new Set<JobId>();
  readonly #ofAccount = new Map<string, Set<KeptJob>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Remembers a recorded job; `reuse`: what it began with itself, as `take` gave it. */
  recorded({ account }: Pick<JobOrder, 'account'>, record: JobRecord, reuse?: Reuse): void {
    const { plan } = record.signed;
    const moved = record.finish === 'moved';
    const without = record.stages.flatMap(({ root }, stage) => (root === undefined ? [stage] : []));
    // A stage that left an answer that moved gives no root, and no more than its receipts are needed of it.
    const [lost] = without;
    if (without.length > (moved ? 1 : 0) || record.finish === 'failed') return;
    const positions = boundPositions(record);
    const before = reuse?.jobs ?? [];
    const { rebuilds } = plan.prefix ?? {};
    const rebuilt = new Set([...(reuse?.rebuilt ?? []), ...(rebuilds === undefined ? [] : [rebuilds])]);
    if (positions < UNIT_POSITIONS || before.length + 1 > MAX_PREFIX_JOBS || before.some((job) => this.#forgotten.has(job))) return;
    const ids = [...record.promptIds, ...record.tokenIds].slice(0, positions);
    const kept = { account, plan, planHash: record.planHash, ids, positions, moved, lost, rebuilt, jobs: [plan.job, ...before], until: this.#clock.now() + KEPT_CACHE_MS - KEPT_CACHE_MARGIN_MS };
    this.#put(kept);
    const [first] = plan.stages;
    const same = [...this.#kept].filter(([, each]) => each.plan.stages[0]?.worker === first?.worker);
    for (const [oldest] of same.slice(0, Math.max(0, same.length - MAX_KEPT_JOBS))) this.#drop(oldest);
  }

  /** The prefix with which an order spares most over this placement, which no other order gets then; undefined when there is none. */
  take(order: Wanted, { stages }: Pick<ReadyPlacement, 'stages'>): Reuse | undefined {
    const best = this.#best(order, stages);
    if (best === undefined) return undefined;
    const { kept: { plan, planHash, jobs, rebuilt }, positions, rebuilds } = best;
    this.#drop(plan.job);
    return { prefix: { job: plan.job, planHash, positions, ...(rebuilds !== undefined && { rebuilds }) }, jobs, rebuilt };
  }

  /** The part of an order's work that is left to do over this placement: 1 where nothing of it is kept. */
  workLeft(order: Wanted & Pick<JobOrder, 'maxTokens'>, { stages }: Pick<ReadyPlacement, 'stages'>): number {
    const kept = this.#best(order, stages)?.spared ?? 0;
    const work = (prompt: number): number => order.maxTokens + PROMPT_POSITION_COST * prompt;
    return work(order.promptIds.length - kept) / work(order.promptIds.length);
  }

  /** No order goes on from this job, nor from one that stands on it. Gives the plans whose workers may forget what they keep. */
  forget(job: JobId): readonly JobPlan[] {
    const found = [...this.#kept.values()].filter(({ jobs }) => jobs.includes(job)).map(({ plan }) => plan);
    for (const plan of found) this.#drop(plan.job);
    this.#forgotten.add(job);
    for (const oldest of this.#forgotten) {
      if (this.#forgotten.size <= MAX_REMEMBERED_JOBS) break;
      this.#forgotten.delete(oldest);
    }
    return found;
  }

  /** What this worker kept is gone with its connection, its engine or its layers. */
  lost(worker: NodeId): void {
    for (const [job, kept] of [...this.#kept]) {
      const stage = kept.plan.stages.findIndex((each) => each.worker === worker);
      if (stage < 0 || stage === kept.lost) continue;
      if (kept.lost !== undefined || !mayBeRebuilt(kept, stage)) this.#drop(job);
      else this.#put({ ...kept, lost: stage });
    }
  }

  /** The kept job that spares the order most, of equals the newest. */
  #best(order: Wanted, stages: ReadyPlacement['stages']): Match | undefined {
    const own = this.#ofAccount.get(order.account);
    if (own === undefined || (order.reuses !== true && order.continues === null)) return undefined;
    this.#expire();
    let best: Match | undefined;
    for (const kept of own) {
      const isNext = kept.plan.job === order.continues;
      const ring = kept.plan.modelId === order.modelId && (isNext || (order.reuses === true && !kept.moved)) ? ringOf(kept, stages) : undefined;
      const positions = ring === undefined ? 0 : commonPositions(kept, order.promptIds);
      const spared = ring?.rebuilds === undefined ? positions : positions * (1 - 1 / stages.length);
      if (positions >= UNIT_POSITIONS && spared >= (best?.spared ?? 0)) best = { kept, positions, rebuilds: ring?.rebuilds, spared };
    }
    return best;
  }

  /** In the place of the same job, if it is there. */
  #put(kept: KeptJob): void {
    const { account, plan: { job } } = kept;
    const before = this.#kept.get(job);
    const own = this.#ofAccount.get(account) ?? new Set<KeptJob>();
    if (before !== undefined) own.delete(before);
    this.#kept.set(job, kept);
    this.#ofAccount.set(account, own.add(kept));
  }

  #drop(job: JobId): void {
    const found = this.#kept.get(job);
    if (found === undefined) return;
    this.#kept.delete(job);
    const own = this.#ofAccount.get(found.account);
    own?.delete(found);
    if (own?.size === 0) this.#ofAccount.delete(found.account);
  }

  #expire(): void {
    const now = this.#clock.now();
    // All are kept for the same time: the oldest end first.
    for (const [job, { until }] of this.#kept) {
      if (until > now) return;
      this.#drop(job);
    }
  }
}

/** Rows that a rebuilt stage makes are bound by nothing: nobody is given them (SPEC V9). */
const mayBeRebuilt = ({ plan, rebuilt }: Pick<KeptJob, 'plan' | 'rebuilt'>, stage: number): boolean => plan.stages.length > 1 && !rebuilt.has(stage - 1);

/** The ring is the one that computed the job: same workers, keys and layers in the same order, but for one stage that can be rebuilt. Undefined when it is another. */
function ringOf(kept: KeptJob, stages: ReadyPlacement['stages']): { readonly rebuilds: number | undefined } | undefined {
  const planned = kept.plan.stages;
  const isSame = ({ layers }: { readonly layers: readonly [number, number] }, index: number): boolean => stages[index]?.layers[0] === layers[0] && stages[index].layers[1] === layers[1];
  if (planned.length !== stages.length || !planned.every(isSame)) return undefined;
  const others = planned.flatMap(({ worker, devicePublicKey }, index) => (index !== kept.lost && stages[index]?.worker.nodeId === worker && stages[index].worker.devicePublicKey === devicePublicKey ? [] : [index]));
  const [rebuilds] = others;
  return others.length > 1 || (rebuilds !== undefined && !mayBeRebuilt(kept, rebuilds)) ? undefined : { rebuilds };
}

/** Whole units in which the order's prompt begins like the kept job; the prompt's last position is always computed, as the first id is drawn from it. */
function commonPositions({ ids, positions }: KeptJob, prompt: Uint32Array): number {
  const most = Math.min(positions, prompt.length - 1);
  let common = 0;
  while (common < most && ids[common] === prompt[common]) common++;
  return common - (common % UNIT_POSITIONS);
}

/** Positions of whole units that every stage signed as what the stage before it passed on, and that its neighbour acknowledged (SPEC V2, V9). */
function boundPositions(record: JobRecord): number {
  if (record.disagreements.length > 0) return 0;
  let bound = Infinity;
  for (const [stage, found] of record.stages.entries()) bound = Math.min(bound, boundOf(record, stage, found));
  return Number.isFinite(bound) ? bound : 0;
}

function boundOf(record: JobRecord, stage: number, { units }: StageRecord): number {
  let next = record.signed.plan.prefix?.positions ?? 0;
  for (const [index, { receipt: { body }, receiptValid, acknowledgementValid }] of units.entries()) {
    const whole = body.from === next && body.to === next + UNIT_POSITIONS;
    if (!whole || !receiptValid || acknowledgementValid !== true || body.inputHash !== givenHash(record, stage, index)) break;
    next = body.to;
  }
  return next;
}

/** Hash of what the stage was given in its `index`-th unit: the ids, or what the stage before passed on. */
function givenHash(record: JobRecord, stage: number, index: number): string | undefined {
  if (stage > 0) return record.stages[stage - 1]?.units[index]?.receipt.body.linkHash;
  const unit = record.stages[0]?.units[index]?.receipt.body;
  const ids = [...record.promptIds, ...record.tokenIds].slice(unit?.from, unit?.to);
  return unit === undefined || ids.length < unit.to - unit.from ? undefined : idsHash(ids);
}
