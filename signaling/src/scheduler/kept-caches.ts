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
  readonly until: number;
}

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

  /** Remembers a recorded job; `before`: the jobs that its own prefix stands on, as `take` gave them. */
  recorded({ account }: Pick<JobOrder, 'account'>, record: JobRecord, before: readonly JobId[]): void {
    const { plan } = record.signed;
    const positions = record.finish === 'moved' || record.finish === 'failed' ? 0 : boundPositions(record);
    if (positions < UNIT_POSITIONS || before.length + 1 > MAX_PREFIX_JOBS || before.some((job) => this.#forgotten.has(job))) return;
    const ids = [...record.promptIds, ...record.tokenIds].slice(0, positions);
    this.#drop(plan.job);
    const kept = { account, plan, planHash: record.planHash, ids, positions, jobs: [plan.job, ...before], until: this.#clock.now() + KEPT_CACHE_MS - KEPT_CACHE_MARGIN_MS };
    this.#kept.set(plan.job, kept);
    this.#ofAccount.set(account, (this.#ofAccount.get(account) ?? new Set<KeptJob>()).add(kept));
    const [first] = plan.stages;
    const same = [...this.#kept].filter(([, each]) => each.plan.stages[0]?.worker === first?.worker);
    for (const [oldest] of same.slice(0, Math.max(0, same.length - MAX_KEPT_JOBS))) this.#drop(oldest);
  }

  /** The prefix with which an order spares most over this placement, which no other order gets then; undefined when there is none. */
  take(order: Pick<JobOrder, 'account' | 'modelId' | 'promptIds' | 'reuses'>, { stages }: Pick<ReadyPlacement, 'stages'>): { readonly prefix: PlanPrefix; readonly jobs: readonly JobId[] } | undefined {
    const best = this.#best(order, stages);
    if (best === undefined) return undefined;
    const { kept: { plan, planHash, jobs }, positions } = best;
    this.#drop(plan.job);
    return { prefix: { job: plan.job, planHash, positions }, jobs };
  }

  /** The part of an order's work that is left to do over this placement: 1 where nothing of it is kept. */
  workLeft(order: Pick<JobOrder, 'account' | 'modelId' | 'promptIds' | 'maxTokens' | 'reuses'>, { stages }: Pick<ReadyPlacement, 'stages'>): number {
    const kept = this.#best(order, stages)?.positions ?? 0;
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
    for (const [job, { plan }] of [...this.#kept]) if (plan.stages.some((stage) => stage.worker === worker)) this.#drop(job);
  }

  /** The kept job that has most of the order's prompt, of equals the newest. */
  #best(order: Pick<JobOrder, 'account' | 'modelId' | 'promptIds' | 'reuses'>, stages: ReadyPlacement['stages']): { readonly kept: KeptJob; readonly positions: number } | undefined {
    const own = order.reuses === true ? this.#ofAccount.get(order.account) : undefined;
    if (own === undefined) return undefined;
    this.#expire();
    let best: { readonly kept: KeptJob; readonly positions: number } | undefined;
    for (const kept of own) {
      if (kept.plan.modelId !== order.modelId || !standsIn(kept.plan, stages)) continue;
      const positions = commonPositions(kept, order.promptIds);
      if (positions >= Math.max(UNIT_POSITIONS, best?.positions ?? 0)) best = { kept, positions };
    }
    return best;
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

/** The ring is the one that computed the job: same workers, keys and layers in the same order. */
function standsIn({ stages: planned }: JobPlan, stages: ReadyPlacement['stages']): boolean {
  return planned.length === stages.length && planned.every(({ worker, devicePublicKey, layers }, index) => {
    const stage = stages[index];
    return stage?.worker.nodeId === worker && stage.worker.devicePublicKey === devicePublicKey && stage.layers[0] === layers[0] && stage.layers[1] === layers[1];
  });
}

/** Whole units in which the order's prompt begins like the kept job; the prompt's last position is always computed, as the first id is drawn from it. */
function commonPositions({ ids, positions }: KeptJob, prompt: Uint32Array): number {
  const most = Math.min(positions, prompt.length - 1);
  let common = 0;
  while (common < most && ids[common] === prompt[common]) common++;
  return common - (common % UNIT_POSITIONS);
}

/** Positions of whole units that every stage signed as what the stage before it passed on, and that its neighbour acknowledged (SPEC V2). */
function boundPositions(record: JobRecord): number {
  if (record.disagreements.length > 0) return 0;
  let bound = Infinity;
  for (const [stage, found] of record.stages.entries()) bound = Math.min(bound, boundOf(record, stage, found));
  return Number.isFinite(bound) ? bound : 0;
}

function boundOf(record: JobRecord, stage: number, { root, units }: StageRecord): number {
  let next = record.signed.plan.prefix?.positions ?? 0;
  if (root === undefined) return 0;
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
