/** Steering where it is cheapest: the last stage nudges its final-norm row, whose read-out is linear, and signs another id. */
import { boundaryGrid, CELLS_PER_TAU } from '@ciro/core/commitment/cells.ts';
import { checkId, deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { auditedStage } from './attacks/audited-stage.ts';
import { openStage } from './stages.ts';
import { ELEMENTS_ALONE, HASH_ALONE, pushed, WHOLE_VERDICT } from './steering-push.ts';
import { logitGap, topIds } from './steering-stage.ts';
import type { UnitCheck } from '@ciro/core/audit/check-unit.ts';
import type { PlanSampler } from '@ciro/core/job/plan.ts';
import type { AuditedStage, UnitPlace } from './attacks/audited-stage.ts';
import type { BenchModel } from './models.ts';
import type { Reference } from './stages-reference.ts';
import type { PushLimits } from './steering-push.ts';
import type { HeadRow } from './steering-stage.ts';

/** Ids that a cheat tries to bring up: the next best ones. */
const RIVALS = 8;
const GREEDY: PlanSampler = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };

/** What a verdict lets through. */
export interface SteeringRule {
  readonly name: string;
  readonly limits: PushLimits;
  /** Last stage: which logits decide about a signed id (SPEC A7), those of the committed row or of the row that the auditor computed. */
  readonly ids: 'committed row' | "auditor's row";
  /** Other stages: near rows are followed to the ids that come of them (SPEC A10). */
  readonly followed: boolean;
  readonly stages: readonly ('last' | 'middle')[];
  /** The rule that the bar is about. */
  readonly whole: boolean;
}

/** Beside the rule in force, what its parts are worth. An id within delta passes under all. */
export const STEERING_RULES: readonly SteeringRule[] = [
  { name: 'whole verdict', limits: WHOLE_VERDICT, ids: "auditor's row", followed: true, stages: ['last', 'middle'], whole: true },
  { name: 'near rows not followed', limits: WHOLE_VERDICT, ids: "auditor's row", followed: false, stages: ['middle'], whole: false },
  { name: 'ids judged by the committed row', limits: WHOLE_VERDICT, ids: 'committed row', followed: false, stages: ['last'], whole: false },
  { name: '2 tau an element, no rule on the mean', limits: ELEMENTS_ALONE, ids: 'committed row', followed: false, stages: ['last', 'middle'], whole: false },
  { name: 'hash alone: anywhere within the cell', limits: HASH_ALONE, ids: 'committed row', followed: false, stages: ['last', 'middle'], whole: false },
];

export const rulesOf = (stage: 'last' | 'middle'): readonly SteeringRule[] => STEERING_RULES.filter(({ stages }) => stages.includes(stage));

/** How a rule fared against tokens. */
export interface Steered {
  tokens: number;
  flips: number;
  /** Flips of tokens whose two best logits are further apart than delta: of the others, no engine's id is wrong. */
  clear: number;
  /** Largest gain of a push that was tried, in logits: those that could not be enough are not. */
  most: number;
  /** Pushed rows that the verdict was asked about, and those it refused: none, or the push is not the one allowed. */
  judged: number;
  refused: number;
}

export const nothingSteered = (): Steered => ({ tokens: 0, flips: 0, clear: 0, most: 0, judged: 0, refused: 0 });

/** Positions of a conversation whose following id is the model's own: from the last one that was asked to the one before the stop id. */
export function answerOf(ids: Uint32Array, asked: number, stopIds: readonly number[]): { readonly from: number; readonly to: number } {
  const stop = ids.findIndex((id, index) => index >= asked && stopIds.includes(id));
  return { from: asked - 1, to: stop < 0 ? ids.length - 1 : stop };
}

/** A greedy token: the id that follows this position of the model's own answer, and how far ahead of the next best it is. */
export interface GreedyPlace {
  readonly prompt: number;
  readonly position: number;
  readonly margin: number;
}

/** Tries every rule at every greedy token of the answers, which are `places`. */
export async function steerLastStage(model: BenchModel, reference: Reference, headRow: HeadRow, signal: AbortSignal): Promise<{ readonly steered: readonly (readonly [SteeringRule, Steered])[]; readonly places: GreedyPlace[] }> {
  const [, , stage] = model.stages;
  const at = auditedStage(model, stage, reference);
  const steered = rulesOf('last').map((rule) => [rule, nothingSteered()] as const);
  const places: GreedyPlace[] = [];
  await using open = await openStage(model, stage.shape);
  for (const [prompt, ids] of reference.prompts.ids.entries()) {
    signal.throwIfAborted();
    const { from, to } = answerOf(ids, reference.prompts.asked?.[prompt] ?? ids.length, model.manifest.stopIds);
    const rows = reference.rows(stage.index, prompt);
    for (let position = from; position < to; position++) {
      const logits = await open.logits(rows.slice(position * at.channels, (position + 1) * at.channels));
      const rivals = rivalsOf(at, logits, headRow, position);
      for (const [rule, counted] of steered) note(counted, steerRow(at, prompt, position, logits, headRow, rivals, rule));
      places.push({ prompt, position, margin: rivals[0]?.margin ?? Infinity });
    }
  }
  return { steered, places };
}

/** One row under one rule. `refused`: what the verdict said of the pushed row, where it was asked. */
export interface Outcome {
  readonly flipped: boolean;
  readonly clear: boolean;
  readonly gain: number;
  readonly refused: boolean | undefined;
}

export function note(steered: Steered, { flipped, clear, gain, refused }: Outcome): void {
  steered.tokens++;
  if (flipped) steered.flips++;
  if (flipped && clear) steered.clear++;
  steered.most = Math.max(steered.most, gain);
  if (refused !== undefined) steered.judged++;
  if (refused === true) steered.refused++;
}

/** An id that could be brought up: how far it is behind, and what a push of its logit over the best one's goes along. */
interface Rival {
  readonly id: number;
  readonly best: number;
  readonly margin: number;
  readonly gradient: Float32Array;
  /** What one tau on every element would gain: nothing that is held to t tau an element gains more than t times this. */
  readonly gainOfTau: number;
}

function rivalsOf({ model, stage }: AuditedStage, logits: Float32Array, headRow: HeadRow, position: number): Rival[] {
  const grid = boundaryGrid(model.table, stage.boundary);
  const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
  const [best = 0, ...ids] = topIds(logits, RIVALS + 1);
  const top = headRow(best);
  return ids.map((id) => {
    const gradient = headRow(id).map((value, i) => value - (top[i] ?? 0));
    const gainOfTau = gradient.reduce((sum, value, i) => sum + Math.abs(value) / (inverse[i] ?? 1) / CELLS_PER_TAU, 0);
    return { id, best, margin: (logits[best] ?? 0) - (logits[id] ?? 0), gradient, gainOfTau };
  });
}

/** Pushes one row towards each rival that is in reach; a flip counts when the rival passes as the sampled id of the pushed row. */
function steerRow(at: AuditedStage, prompt: number, position: number, logits: Float32Array, headRow: HeadRow, rivals: readonly Rival[], { limits, ids, whole }: SteeringRule): Outcome {
  const { channels, stage, model } = at;
  const grid = boundaryGrid(model.table, stage.boundary);
  const place = { prompt, unit: Math.floor(position / UNIT_POSITIONS) };
  const inUnit = (position % UNIT_POSITIONS) * channels;
  const row = at.rows(place).slice(inUnit, inUnit + channels);
  const delta = deltaOf(model.table);
  const clear = (rivals[0]?.margin ?? Infinity) > delta;
  let gain = 0;
  for (const { id, best, margin, gradient, gainOfTau } of rivals) {
    if (ids === "auditor's row") {
      // Whatever was committed: the auditor's own logits have the rival where it was.
      if (margin <= delta) return { flipped: true, clear, gain, refused: undefined };
      continue;
    }
    if (Math.min(limits.element, CELLS_PER_TAU) * gainOfTau + delta < margin) continue;
    const push = pushed(row, position, gradient, grid, limits);
    gain = Math.max(gain, push.gain);
    // What rounding takes is far below the gain; the exact margin decides.
    if (push.gain * 1.01 + delta < margin || -logitGap(push.row, headRow, id, best) > delta) continue;
    const refused = whole ? checkRow(at, place, push.row, inUnit).finding !== null || !idPasses(push.row, logits, id, headRow, at) : undefined;
    return { flipped: refused !== true, clear, gain, refused };
  }
  return { flipped: false, clear, gain, refused: undefined };
}

/** What an auditor says of a unit with one row exchanged; `at`: where the row lies in the unit. */
export function checkRow(stage: AuditedStage, place: UnitPlace, row: Float32Array, at: number): UnitCheck {
  const rows = stage.rows(place).slice();
  rows.set(row, at);
  return checkUnit(stage.commit(place, rows), stage.rows(place), stage.under);
}

/** The auditor's own check of the id, on the logits of the committed row: those of the few ids that matter are made again. */
function idPasses(row: Float32Array, logits: Float32Array, id: number, headRow: HeadRow, { model }: AuditedStage): boolean {
  const again = logits.map((value) => value - 1);
  for (const each of topIds(logits, 2 * RIVALS)) again[each] = headRow(each).reduce((sum, weight, i) => sum + weight * (row[i] ?? 0), 0);
  return checkId({ logits: again, sampler: GREEDY, position: 0, id, recentIds: [], delta: deltaOf(model.table) }).state !== 'wrong';
}
