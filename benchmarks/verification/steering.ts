/** How many greedy tokens a cheat can turn inside what a verdict lets through: by the last stage, and by the middle one. */
import { mostRate } from './attacks/caught-rate.ts';
import { loadModel } from './models.ts';
import { ANSWER_SEED, answersOf } from './prompts.ts';
import { referenceOf } from './stages-reference.ts';
import { steerLastStage } from './steering-last.ts';
import { steerMiddleStage } from './steering-middle.ts';
import { headRows } from './steering-stage.ts';
import type { BenchModel } from './models.ts';
import type { Part, PartContext, PartReport } from './part.ts';
import type { Reference } from './stages-reference.ts';
import type { Steered, SteeringRule } from './steering-last.ts';

export type SteeringRow = {
  readonly part: 'steering';
  readonly model: string;
  readonly stage: string;
  readonly rule: string;
  readonly tokens: number;
  readonly flips: number;
  readonly rate: number;
  /** Upper bound of the rate at 95 %. */
  readonly at_most: number;
  /** Flips of tokens whose best two logits are further apart than delta. */
  readonly flips_past_delta: number;
  /** Largest gain of a push, in logits. */
  readonly most_logits: number;
  readonly note: string;
};

export interface SteeringReport {
  readonly rows: SteeringRow[];
  /**
   * Share of greedy tokens that flip under the whole verdict, on the stage where more do. All count, also those whose two best ids are
   * within delta, of which no engine's is wrong (SPEC A7).
   */
  readonly flips: number;
}

export interface SteeringOptions {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export const steeringPart: Part = { name: 'steering', bars: ['steering_flips'], run: (context) => runSteering(context) };

/** On the default model: the seeded one has no answers, only ids. */
export async function runSteering({ share, signal, say }: PartContext): Promise<PartReport> {
  const model = await loadModel('smollm2', signal);
  const reference = await referenceOf(model, await answersOf(model, share), say);
  const { rows, flips } = await measureSteering(model, reference, { signal, say });
  const notMeasured = `a part of the prompts only (share 1/${share}): one flip would be more than the bar allows`;
  return { seeds: [ANSWER_SEED], rows, values: { steering_flips: share === 1 ? flips : { notMeasured } } };
}

/** Measures both stages on the model's own answers. */
export async function measureSteering(model: BenchModel, reference: Reference, { signal, say }: SteeringOptions): Promise<SteeringReport> {
  const headRow = await headRows(model);
  const started = performance.now();
  const last = await steerLastStage(model, reference, headRow, signal);
  say(`${model.key}: steered the last stage at ${last.places.length} positions in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const middle = await steerMiddleStage(model, reference, last.places, headRow, signal);
  say(`${model.key}: steered the middle stage at as many, ${((performance.now() - started) / 1000).toFixed(0)} s in all`);
  const whole = [...last.steered, ...middle].filter(([rule, { tokens }]) => rule.whole && tokens > 0);
  return {
    rows: [...last.steered.map(([rule, steered]) => row(model, 'last', rule, steered)), ...middle.map(([rule, steered]) => row(model, 'middle', rule, steered))],
    flips: Math.max(0, ...whole.map(([, { flips, tokens }]) => flips / tokens)),
  };
}

function row(model: BenchModel, stage: string, rule: SteeringRule, { tokens, flips, clear, most, judged, refused }: Steered): SteeringRow {
  const asked = judged === 0 ? '' : `the verdict passed ${judged - refused} of ${judged} pushed rows`;
  return { part: 'steering', model: model.key, stage, rule: rule.name, tokens, flips, rate: tokens === 0 ? 0 : flips / tokens, at_most: mostRate(flips, Math.max(1, tokens)), flips_past_delta: clear, most_logits: most, note: asked };
}
