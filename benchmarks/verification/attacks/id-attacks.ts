/** Attacks on the ids that the last stage samples. Rows are right; what they were read as is not (SPEC A7). */
import { checkId, deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { greedy, sample } from '@ciro/core/sampling/sample.ts';
import { requantise4 } from '../../../tests/support/cheats/requantise.ts';
import { withWeights } from '../../../tests/support/cheats/weight-cheat.ts';
import { openStage } from '../stages.ts';
import { placesOf, unitOf } from './audited-stage.ts';
import { ATTACK_SEED } from './compute-attacks.ts';
import { Tally } from './tally.ts';
import type { PlanSampler } from '@ciro/core/job/plan.ts';
import type { OpenStage } from '../stages.ts';
import type { Reference } from '../stages-reference.ts';
import type { AuditedStage, UnitPlace } from './audited-stage.ts';
import type { Running } from './compute-rows.ts';
import type { AttackRow } from './tally.ts';

const GREEDY: PlanSampler = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };
/** A sampler as people use it. */
const DRAWN: PlanSampler = { temperature: 0.8, topK: 0, topP: 0.95, minP: 0, repetitionPenalty: 1, seed: ATTACK_SEED };

/** What the sampler would give there, and what the cheat signs. */
interface Ids {
  readonly right: Uint32Array;
  readonly signed: Uint32Array;
}

/**
 * Decode-time spoofing (generating with a cheap model, then an honest prefill of the result) and drawing with another seed, on
 * the last stage. A unit counts when at least one of its ids is another than the sampler's: the others are right answers.
 */
export async function idAttackRows(at: AuditedStage, reference: Reference, units: number, { signal, say }: Running): Promise<AttackRow[]> {
  const started = performance.now();
  const { vocabulary } = at.model.manifest.architecture;
  const cut = (logits: Float32Array) => (row: number): Float32Array => logits.subarray(row * vocabulary, (row + 1) * vocabulary);
  await using cheap = await openCheap(at);
  await using open = await openStage(at.model, at.stage.shape);
  const attacks = [
    { name: 'decode-time spoof: ids of 4-bit weights, rows of the true model', sampler: GREEDY, tally: new Tally(), ids: async (place: UnitPlace, right: LogitsAt) => spoofed(right, cut(await cheap.logits(await cheapRows(cheap, at, reference, place)))) },
    { name: 'wrong sampler seed', sampler: DRAWN, tally: new Tally(), ids: async (place: UnitPlace, right: LogitsAt) => misdrawn(right, place) },
  ];
  const looked = attacks.map(() => 0);
  for (const place of placesOf(Infinity, reference.prompts.ids.length)) {
    signal.throwIfAborted();
    if (attacks.every(({ tally }) => tally.audited >= units)) break;
    const right = cut(await open.logits(at.rows(place)));
    for (const [index, { sampler, tally, ids }] of attacks.entries()) {
      if (tally.audited >= units) continue;
      looked[index] = (looked[index] ?? 0) + 1;
      const both = await ids(place, right);
      if (both.right.some((id, row) => id !== both.signed[row])) tally.add(firstWrong(both.signed, sampler, right, place, deltaOf(at.model.table)));
    }
  }
  say(`${at.model.key}: ids in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return attacks.map(({ name, tally }, index) => tally.row(at.model.key, name, at.stage.name, { note: `of ${looked[index]} units, those with an id that is not the sampler's` }));
}

/** Logits [vocabulary] of a unit's row. */
type LogitsAt = (row: number) => Float32Array;

/** The last stage, head included, with weights of 4 bits. */
function openCheap({ model, stage }: AuditedStage): Promise<OpenStage> {
  const { manifest, shards } = withWeights({ manifest: model.manifest, shape: stage.shape, shards: model.shard }, requantise4);
  return openStage({ ...model, manifest, shard: shards }, stage.shape);
}

/** The cheap stage's rows of a unit, computed from the prompt's beginning for the same inputs. */
async function cheapRows(cheap: OpenStage, at: AuditedStage, reference: Reference, { prompt, unit }: UnitPlace): Promise<Float32Array> {
  const input = reference.input(at.stage.index, prompt);
  const rows = await cheap.run(input.slice(0, (unit + 1) * UNIT_POSITIONS * at.channels));
  return unitOf(rows, unit, at.channels).slice();
}

function spoofed(right: LogitsAt, cheap: LogitsAt): Ids {
  const best = (logitsAt: LogitsAt): Uint32Array => Uint32Array.from({ length: UNIT_POSITIONS }, (_, row) => greedy(logitsAt(row)));
  return { right: best(right), signed: best(cheap) };
}

function misdrawn(logitsAt: LogitsAt, place: UnitPlace): Ids {
  const draw = (seed: number): Uint32Array => Uint32Array.from({ length: UNIT_POSITIONS }, (_, row) => sample(logitsAt(row), DRAWN, seed, positionOf(place, row), []));
  return { right: draw(DRAWN.seed), signed: draw(DRAWN.seed + 1) };
}

function firstWrong(ids: Uint32Array, sampler: PlanSampler, logitsAt: LogitsAt, place: UnitPlace, delta: number): string | null {
  for (const [row, id] of ids.entries()) {
    if (checkId({ logits: logitsAt(row), sampler, position: positionOf(place, row), id, recentIds: [], delta }).state === 'wrong') return 'sampled-id';
  }
  return null;
}

const positionOf = ({ unit }: UnitPlace, row: number): number => unit * UNIT_POSITIONS + row;
