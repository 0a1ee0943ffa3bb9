/** Steering where it is cheapest: the last stage nudges its final-norm row, whose read-out is linear, and signs another id. */
import { boundaryGrid, CELLS_PER_TAU } from '@ciro/core/commitment/cells.ts';
import { checkId, deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { auditedStage } from './attacks/audited-stage.ts';
import { openStage } from './stages.ts';
import { ELEMENTS_ALONE, HASH_ALONE, pushed, WHOLE_VERDICT } from './steering-push.ts';
import { logitGap, topIds } from './steering-stage.ts';
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
  /** Which logits decide about a signed id (SPEC A7): those of the committed row, or of the row that the auditor computed. */
  readonly ids: 'committed row' | "auditor's row";
  /** The rule that the bar is about. */
  readonly whole: boolean;
}

/** Beside the rule in force: what its parts are worth, and what two tighter ones would be. An id within delta passes under all. */
export const STEERING_RULES: readonly SteeringRule[] = [
  { name: 'whole verdict', limits: WHOLE_VERDICT, ids: "auditor's row", whole: true },
  { name: '2 tau an element, no rule on the mean', limits: ELEMENTS_ALONE, ids: 'committed row', whole: false },
  { name: 'hash alone: anywhere within the cell', limits: HASH_ALONE, ids: 'committed row', whole: false },
  { name: 'were the mean held to tau / 32', limits: { element: 2, mean: 1 / 32 }, ids: 'committed row', whole: false },
  { name: 'were ids judged by the committed row', limits: WHOLE_VERDICT, ids: 'committed row', whole: false },
];

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

/** Positions of a prompt whose following id is what the model itself took there, up to the end: the answer's. */
export function answerFrom(ids: Uint32Array, best: Uint32Array): number {
  let from = ids.length - 1;
  while (from > 0 && ids[from] === best[from - 1]) from--;
  return from;
}

/** A greedy token: the id that follows this position of the model's own answer, and how far ahead of the next best it is. */
export interface GreedyPlace {
  readonly prompt: number;
  readonly position: number;
  readonly margin: number;
}

/** Tries every rule at every row; `text` counts all positions, `answer` those where the model wrote the text itself: `places`. */
export async function steerLastStage(model: BenchModel, reference: Reference, prompts: number, headRow: HeadRow, signal: AbortSignal): Promise<{ readonly answer: Steered[]; readonly text: Steered[]; readonly places: GreedyPlace[] }> {
  const [, , stage] = model.stages;
  const at = auditedStage(model, stage, reference);
  const answer = STEERING_RULES.map(nothingSteered);
  const text = STEERING_RULES.map(nothingSteered);
  const places: GreedyPlace[] = [];
  await using open = await openStage(model, stage.shape);
  const { vocabulary } = model.manifest.architecture;
  for (let prompt = 0; prompt < prompts; prompt++) {
    signal.throwIfAborted();
    const rows = reference.rows(stage.index, prompt);
    const logits = await open.logits(rows);
    const count = rows.length / at.channels;
    const logitsAt = (position: number): Float32Array => logits.subarray(position * vocabulary, (position + 1) * vocabulary);
    const best = Uint32Array.from({ length: count }, (_, position) => greedy(logitsAt(position)));
    const from = answerFrom(reference.prompts.ids[prompt] ?? new Uint32Array(), best);
    for (let position = 1; position < count; position++) {
      const greedyHere = position >= from && position + 1 < count;
      const rivals = rivalsOf(at, logitsAt(position), headRow, position);
      for (const [index, rule] of STEERING_RULES.entries()) {
        const outcome = steerRow(at, prompt, position, logitsAt(position), headRow, rivals, rule);
        note(text[index], outcome);
        if (greedyHere) note(answer[index], outcome);
      }
      if (greedyHere) places.push({ prompt, position, margin: rivals[0]?.margin ?? Infinity });
    }
  }
  return { answer, text, places };
}

/** One row under one rule. `refused`: what the verdict said of the pushed row, where it was asked. */
export interface Outcome {
  readonly flipped: boolean;
  readonly clear: boolean;
  readonly gain: number;
  readonly refused: boolean | undefined;
}

export function note(steered: Steered | undefined, { flipped, clear, gain, refused }: Outcome): void {
  if (steered === undefined) return;
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
    const refused = whole ? !rowPasses(at, place, push.row, inUnit) || !idPasses(push.row, logits, id, headRow, at) : undefined;
    return { flipped: refused !== true, clear, gain, refused };
  }
  return { flipped: false, clear, gain, refused: undefined };
}

/** The real verdict on a unit with one row exchanged; `at`: where the row lies in the unit. */
export function rowPasses(stage: AuditedStage, place: UnitPlace, row: Float32Array, at: number): boolean {
  const rows = stage.rows(place).slice();
  rows.set(row, at);
  return stage.judge(place, stage.commit(place, rows)) === null;
}

/** The auditor's own check of the id, on the logits of the committed row: those of the few ids that matter are made again. */
function idPasses(row: Float32Array, logits: Float32Array, id: number, headRow: HeadRow, { model }: AuditedStage): boolean {
  const again = logits.map((value) => value - 1);
  for (const each of topIds(logits, 2 * RIVALS)) again[each] = headRow(each).reduce((sum, weight, i) => sum + weight * (row[i] ?? 0), 0);
  return checkId({ logits: again, sampler: GREEDY, position: 0, id, recentIds: [], delta: deltaOf(model.table) }).state !== 'wrong';
}
