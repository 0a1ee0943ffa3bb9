/** How many greedy tokens a cheat can turn inside what a verdict lets through: by the last stage, and by the middle one. */
import { mostRate } from './attacks/caught-rate.ts';
import { loadModel } from './models.ts';
import { PROMPT_SEED, promptsOf } from './prompts.ts';
import { referenceOf } from './stages-reference.ts';
import { steerLastStage, STEERING_RULES } from './steering-last.ts';
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
   * Share of greedy tokens past delta that flip under the whole verdict, on the stage where more do. Of two ids within delta no
   * engine's is wrong (SPEC A7), so those are nobody's to steer; the rows count all.
   */
  readonly flips: number;
}

export interface SteeringOptions {
  /** Prompts of the reference whose answers are steered. */
  readonly prompts: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export const steeringPart: Part = { name: 'steering', bars: ['steering_flips'], run: (context) => runSteering(context) };

/** On the default model: the seeded one has no answers, only ids. */
export async function runSteering({ share, signal, say }: PartContext): Promise<PartReport> {
  const model = await loadModel('smollm2', signal);
  const reference = await referenceOf(model, await promptsOf(model, share), say);
  const { rows, flips } = await measureSteering(model, reference, { prompts: reference.prompts.ids.length, signal, say });
  const notMeasured = `a part of the prompts only (share 1/${share}): one flip would be more than the bar allows`;
  return { seeds: [PROMPT_SEED], rows, values: { steering_flips: share === 1 ? flips : { notMeasured } } };
}

/** Measures both stages. With text prompts, greedy tokens are those of the model's own answers; random ids have none, so all count. */
export async function measureSteering(model: BenchModel, reference: Reference, { prompts, signal, say }: SteeringOptions): Promise<SteeringReport> {
  const headRow = await headRows(model);
  const started = performance.now();
  const last = await steerLastStage(model, reference, prompts, headRow, signal);
  say(`${model.key}: steered the last stage at ${last.text[0]?.tokens ?? 0} positions in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const middle = await steerMiddleStage(model, reference, last.places, headRow, signal);
  say(`${model.key}: steered the middle stage at ${last.places.length} positions, ${((performance.now() - started) / 1000).toFixed(0)} s in all`);
  const wholeRows = [last.answer[0], middle.find(([rule]) => rule.whole)?.[1]].filter((steered) => steered !== undefined && steered.tokens > 0) as Steered[];
  return {
    rows: [
      ...STEERING_RULES.map((rule, index) => row(model, 'last', rule, last.answer[index], 'answers of the model')),
      ...STEERING_RULES.map((rule, index) => row(model, 'last', rule, last.text[index], 'all positions of the text')),
      ...middle.map(([rule, steered]) => row(model, 'middle', rule, steered, 'answers of the model')),
    ].filter(({ tokens }) => tokens > 0),
    flips: Math.max(0, ...wholeRows.map(({ clear, tokens }) => clear / tokens)),
  };
}

function row(model: BenchModel, stage: string, rule: SteeringRule, steered: Steered | undefined, what: string): SteeringRow {
  const { tokens = 0, flips = 0, clear = 0, most = 0, judged = 0, refused = 0 } = steered ?? {};
  const asked = judged === 0 ? '' : `; the verdict passed ${judged - refused} of ${judged} pushed rows`;
  return { part: 'steering', model: model.key, stage, rule: rule.name, tokens, flips, rate: tokens === 0 ? 0 : flips / tokens, at_most: mostRate(flips, Math.max(1, tokens)), flips_past_delta: clear, most_logits: most, note: `${what}${asked}` };
}
