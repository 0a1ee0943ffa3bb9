/**
 * Steering from a middle stage: it nudges the row that it hands on, along the exact gradient of the logits through all layers
 * that follow, and the last stage honestly samples from what comes out. Only the newest position's own row is pushed.
 */
import { isNear } from '@ciro/core/audit/near-verdict.ts';
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { REFERENCE_CHUNK_TOKENS } from '@ciro/signaling/models/reference-run.ts';
import { auditedStage } from './attacks/audited-stage.ts';
import { checkRow, note, nothingSteered, rulesOf } from './steering-last.ts';
import { pushed, UNFOLLOWED } from './steering-push.ts';
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
const HOPELESS: Outcome = { flipped: false, clear: true, gain: 0, refused: undefined };
/** Rules without bounds reach further; they are tried on a sample of tokens, whatever the margin. */
const SAMPLE = 150;

/** Every rule that concerns this stage, against greedy tokens; the looser ones over a sample. Of those an honest last stage samples, whichever row decides about ids. */
export async function steerMiddleStage(model: BenchModel, reference: Reference, places: readonly GreedyPlace[], headRow: HeadRow, signal: AbortSignal): Promise<readonly (readonly [SteeringRule, Steered])[]> {
  const steered = rulesOf('middle').map((rule) => [rule, nothingSteered()] as const);
  const [, middle, last] = model.stages;
  const at = auditedStage(model, middle, reference);
  const every = Math.max(1, Math.floor(places.length / SAMPLE));
  const sampled = new Set(places.filter((_, index) => index % every === 0));
  await using stage = await openSteeringStage(model, last, headRow);
  for (const prompt of new Set(places.map((place) => place.prompt))) {
    signal.throwIfAborted();
    const here = places.filter((place) => place.prompt === prompt);
    const isTried = (place: GreedyPlace): boolean => place.margin <= HOPELESS_MARGIN_LOGITS || sampled.has(place);
    const rows = reference.rows(middle.index, prompt);
    const rowsOf = (position: number, count: number): Float32Array => rows.slice(position * at.channels, (position + count) * at.channels);
    const sequence = stage.open(rows.length / at.channels);
    const answered = Math.min(...here.map(({ position }) => position));
    for (let position = 0; position < answered; position += REFERENCE_CHUNK_TOKENS) {
      const count = Math.min(REFERENCE_CHUNK_TOKENS, answered - position);
      await sequence.take(rowsOf(position, count), count);
    }
    const lastTried = here.findLastIndex(isTried);
    for (const [index, place] of here.entries()) {
      const row = rowsOf(place.position, 1);
      const tried = isTried(place) ? await rivalsOf(sequence, row) : undefined;
      for (const [rule, counted] of steered) {
        const bounded = Number.isFinite(rule.limits.mean);
        if (!bounded && !sampled.has(place)) continue;
        const hopeless = tried === undefined || (bounded && place.margin > HOPELESS_MARGIN_LOGITS);
        note(counted, hopeless ? HOPELESS : await steer(at, sequence, place, row, tried, rule));
      }
      if (index < lastTried) await sequence.take(row, 1);
    }
    sequence.close();
  }
  return steered;
}

/** Ids behind the engine's best one, with gradients made when they are first asked for: each takes a tenth of a second. */
interface Rivals {
  readonly best: number;
  /** Of the honest row. */
  readonly logits: Float32Array;
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
  return { best, logits, others };
}

/**
 * Pushes towards each rival and runs the last stage on it: what counts is what the engine makes of the pushed row. Where near rows are
 * followed, a cheat pushes as far as the verdict allows only towards an id within delta, and stays below what is followed elsewhere.
 */
async function steer(at: AuditedStage, sequence: SteeredSequence, { prompt, position, margin }: GreedyPlace, row: Float32Array, { best, logits, others }: Rivals, { limits, followed, whole }: SteeringRule): Promise<Outcome> {
  const grid = boundaryGrid(at.model.table, at.stage.boundary);
  const delta = deltaOf(at.model.table);
  const clear = margin > delta;
  let gain = 0;
  let refused: boolean | undefined;
  for (const rival of others) {
    if (Number.isFinite(limits.mean) && rival.margin > HOPELESS_MARGIN_LOGITS) continue;
    const push = pushed(row, position, rival.gradient(), grid, followed && rival.margin > delta ? UNFOLLOWED : limits);
    gain = Math.max(gain, push.gain);
    // The gradient is exact at the honest row; far pushes bend, so anything near is run.
    if (push.gain < rival.margin / 2) continue;
    const after = await sequence.step(push.row);
    sequence.back();
    const turned = greedy(after);
    if (turned === best) continue;
    if (!whole) return { flipped: true, clear, gain, refused: undefined };
    const check = checkRow(at, { prompt, unit: Math.floor(position / UNIT_POSITIONS) }, push.row, (position % UNIT_POSITIONS) * at.channels);
    const gap = (logits[best] ?? 0) - (logits[turned] ?? 0);
    refused = check.finding !== null || (isNear(check) && gap > delta);
    if (!refused) return { flipped: true, clear, gain, refused };
  }
  return { flipped: false, clear, gain, refused };
}
