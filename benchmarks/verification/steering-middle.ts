/**
 * Steering from a middle stage: it nudges the row that it hands on, along the exact gradient of the logits through all layers
 * that follow, and the last stage honestly samples from what comes out. Only the newest position's own row is pushed.
 */
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { auditedStage } from './attacks/audited-stage.ts';
import { note, nothingSteered, rowPasses, STEERING_RULES } from './steering-last.ts';
import { pushed, WHOLE_VERDICT } from './steering-push.ts';
import { openSteeringStage, topIds } from './steering-stage.ts';
import type { AuditedStage } from './attacks/audited-stage.ts';
import type { BenchModel } from './models.ts';
import type { Reference } from './stages-reference.ts';
import type { GreedyPlace, Outcome, Steered, SteeringRule } from './steering-last.ts';
import type { HeadRow, SteeredSequence } from './steering-stage.ts';

/** Ids that are tried, next best first. */
const RIVALS = 3;
/** Wherever two ids are further apart than this no push within the verdict's bounds was ever near: its largest gain is printed. */
const HOPELESS_MARGIN_LOGITS = 0.1;
/** Rules without bounds reach further; they are tried on a sample of tokens, whatever the margin. */
const SAMPLE = 150;

/** Every rule of `STEERING_RULES` that this stage can use, against greedy tokens. The looser ones over a sample. */
export async function steerMiddleStage(model: BenchModel, reference: Reference, places: readonly GreedyPlace[], headRow: HeadRow, signal: AbortSignal): Promise<readonly (readonly [SteeringRule, Steered])[]> {
  // Which row decides about ids makes no difference here: the last stage is honest.
  const rules = STEERING_RULES.filter(({ whole, limits }) => whole || limits !== WHOLE_VERDICT);
  const [, middle, last] = model.stages;
  const at = auditedStage(model, middle, reference);
  const counted = rules.map(nothingSteered);
  const every = Math.max(1, Math.floor(places.length / SAMPLE));
  const sampled = new Set(places.filter((_, index) => index % every === 0));
  await using stage = await openSteeringStage(model, last, headRow);
  for (const prompt of new Set(places.map((place) => place.prompt))) {
    signal.throwIfAborted();
    const here = new Map(places.filter((place) => place.prompt === prompt).map((place) => [place.position, place]));
    const rows = reference.rows(middle.index, prompt);
    const sequence = stage.open(rows.length / at.channels);
    for (let position = 0; position <= Math.max(...here.keys()); position++) {
      const row = rows.slice(position * at.channels, (position + 1) * at.channels);
      const place = here.get(position);
      const tried = place === undefined ? undefined : await rivalsOf(sequence, row);
      for (const [index, rule] of rules.entries()) {
        if (place === undefined || tried === undefined) continue;
        const bounded = Number.isFinite(rule.limits.mean);
        if (!bounded && !sampled.has(place)) continue;
        const hopeless = bounded && place.margin > HOPELESS_MARGIN_LOGITS;
        note(counted[index], hopeless ? { flipped: false, clear: true, gain: 0, refused: undefined } : await steer(at, sequence, place, row, tried, rule));
      }
      await sequence.step(row);
    }
    sequence.close();
  }
  return rules.map((rule, index) => [rule, counted[index] ?? nothingSteered()] as const);
}

/** Ids behind the engine's best one, with gradients made when they are first asked for: each takes a tenth of a second. */
interface Rivals {
  readonly best: number;
  readonly others: readonly { readonly margin: number; gradient(): Float64Array }[];
}

async function rivalsOf(sequence: SteeredSequence, row: Float32Array): Promise<Rivals> {
  const logits = await sequence.step(row);
  sequence.back();
  const [best = 0, ...ids] = topIds(logits, RIVALS + 1);
  const others = ids.map((id) => {
    let known: Float64Array | undefined;
    return { margin: (logits[best] ?? 0) - (logits[id] ?? 0), gradient: () => (known ??= sequence.gradient(row, id, best)) };
  });
  return { best, others };
}

/** Pushes towards each rival and runs the last stage on it: what counts is what the engine makes of the pushed row. */
async function steer(at: AuditedStage, sequence: SteeredSequence, { prompt, position, margin }: GreedyPlace, row: Float32Array, { best, others }: Rivals, { limits, whole }: SteeringRule): Promise<Outcome> {
  const grid = boundaryGrid(at.model.table, at.stage.boundary);
  const clear = margin > deltaOf(at.model.table);
  let gain = 0;
  for (const rival of others) {
    if (Number.isFinite(limits.mean) && rival.margin > HOPELESS_MARGIN_LOGITS) continue;
    const push = pushed(row, position, rival.gradient(), grid, limits);
    gain = Math.max(gain, push.gain);
    // The gradient is exact at the honest row; far pushes bend, so anything near is run.
    if (push.gain < rival.margin / 2) continue;
    const after = await sequence.step(push.row);
    sequence.back();
    if (greedy(after) === best) continue;
    const unit = Math.floor(position / UNIT_POSITIONS);
    const refused = whole ? !rowPasses(at, { prompt, unit }, push.row, (position % UNIT_POSITIONS) * at.channels) : undefined;
    return { flipped: refused !== true, clear, gain, refused };
  }
  return { flipped: false, clear, gain, refused: undefined };
}
