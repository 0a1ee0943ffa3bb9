import * as v from 'valibot';
import { domainBytes, domainHash } from '../canonical-json.ts';
import { DevicePublicKey, DeviceSignature, HexHash, JobId, NodeId } from '../ids.ts';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { MAX_STAGES } from '../protocol/limits.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(0xffffffff));
const Amount = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,40})$/, 'expected base units as a decimal string'));

/** How the last stage draws the next id (PROTOCOL 4). `temperature` 0 is greedy; 0 for `topK` and 1 for `topP` switch them off. */
export const PlanSampler = v.strictObject({
  temperature: v.pipe(v.number(), v.minValue(0), v.maxValue(2)),
  topK: v.pipe(Count, v.maxValue(1000)),
  topP: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  minP: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  repetitionPenalty: v.pipe(v.number(), v.minValue(0.5), v.maxValue(2)),
  seed: Count,
});
export type PlanSampler = v.InferOutput<typeof PlanSampler>;

export const PlanStage = v.strictObject({
  worker: NodeId,
  devicePublicKey: DevicePublicKey,
  /** Layers `[from, to)`. */
  layers: v.pipe(v.strictTuple([Count, Count]), v.check(([from, to]) => from < to, 'a stage holds at least one layer')),
  /** SHA-256 of the worker's nonce for the audit draw (SPEC A1); null when it had given none, which is audited in full. */
  nonce: v.nullable(HexHash),
});
export type PlanStage = v.InferOutput<typeof PlanStage>;

/** Positions `[0, positions)` that an earlier job computed over the same stages, whose caches they kept (SPEC V2): nothing of them is computed, committed or paid again. */
export const PlanPrefix = v.strictObject({
  job: JobId,
  /** Of that job's plan: its units bind what the caches were made from. */
  planHash: HexHash,
  positions: v.pipe(Count, v.minValue(UNIT_POSITIONS), v.multipleOf(UNIT_POSITIONS)),
  /** The stage that has another worker than it had, and computes these positions again for its cache alone (SPEC V9); absent: none. */
  rebuilds: v.exactOptional(Count),
});
export type PlanPrefix = v.InferOutput<typeof PlanPrefix>;

/** One request, placed: what every party signs off (PROTOCOL 1, SPEC P1). */
export const JobPlan = v.pipe(
  v.strictObject({
    format: v.literal(2),
    network: v.pipe(v.string(), v.maxLength(64)),
    job: JobId,
    /** Rises at every change (failover, re-placement). */
    version: v.pipe(Count, v.minValue(1)),
    modelId: HexHash,
    precision: v.literal('f32'),
    stages: v.pipe(v.array(PlanStage), v.minLength(1), v.maxLength(MAX_STAGES)),
    sampler: PlanSampler,
    /** SHA-256 of the prompt ids as little-endian uint32. */
    promptHash: HexHash,
    promptTokens: v.pipe(Count, v.minValue(1)),
    maxTokens: v.pipe(Count, v.minValue(1)),
    /**
     * Position of the prompt's first id that an earlier job of the same answer drew (SPEC V10): from there on the prompt is computed as
     * those jobs computed it, one position at a time. Absent: the whole prompt is in chunks.
     */
    drawnFrom: v.exactOptional(v.pipe(Count, v.minValue(1))),
    /** Absent: every position is computed. */
    prefix: v.exactOptional(PlanPrefix),
    stopIds: v.pipe(v.array(Count), v.maxLength(64)),
    quote: v.strictObject({ promptToken: Amount, generatedToken: Amount, feeBasisPoints: Amount, hold: Amount }),
    /** SHA-256 of the nonces of the other two parties to the audit draw, revealed after the last root (SPEC A1); a plain API client gives none. */
    nonces: v.strictObject({ coordinator: HexHash, requester: v.nullable(HexHash) }),
  }),
  v.check((plan) => plan.stages.every((stage, index) => stage.layers[0] === (plan.stages[index - 1]?.layers[1] ?? 0)), 'stages must cover the layers in order without a gap'),
  v.check((plan) => plan.prefix === undefined || (plan.prefix.positions < plan.promptTokens && plan.prefix.job !== plan.job), 'a prefix is of another job, and shorter than the prompt'),
  v.check((plan) => plan.drawnFrom === undefined || plan.drawnFrom < plan.promptTokens, 'ids that were drawn are a part of the prompt, behind its first id'),
  v.check((plan) => plan.prefix?.rebuilds === undefined || (plan.stages.length > 1 && plan.prefix.rebuilds < plan.stages.length), 'a stage that is rebuilt is one of several'),
  v.check((plan) => new Set(plan.stages.map((stage) => stage.worker)).size === plan.stages.length, 'a worker holds one stage of a plan'),
);
export type JobPlan = v.InferOutput<typeof JobPlan>;

/** A plan with the coordinator's P-256 signature over `planBytes`; nobody computes for an unsigned one (SPEC P2). */
export const SignedPlan = v.strictObject({ plan: JobPlan, signature: DeviceSignature });
export type SignedPlan = v.InferOutput<typeof SignedPlan>;

export const planBytes = (plan: JobPlan): Uint8Array => domainBytes('ciro/plan/1', plan);
export const planHashOf = (plan: JobPlan): HexHash => domainHash('ciro/plan/1', plan) as HexHash;

/** Positions a stage must be able to hold for this plan: the last sampled id is never fed back. */
export const positionsOf = (plan: JobPlan): number => plan.promptTokens + plan.maxTokens - 1;

/** Positions that kept caches hold already: units, receipts and payment begin here (SPEC V1). */
export const reusedPositions = ({ prefix }: Pick<JobPlan, 'prefix'>): number => prefix?.positions ?? 0;

/** Positions that a stage's cache holds before it computes anything: none where it is rebuilt (SPEC V9). */
export const cachedPositions = ({ prefix }: Pick<JobPlan, 'prefix'>, stage: number): number => (prefix === undefined || prefix.rebuilds === stage ? 0 : prefix.positions);

/** Number of the first unit of this plan. */
export const firstUnitOf = (plan: Pick<JobPlan, 'prefix'>): number => reusedPositions(plan) / UNIT_POSITIONS;
