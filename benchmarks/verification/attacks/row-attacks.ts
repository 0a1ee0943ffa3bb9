/** Attacks on what a stage hands on, and on what it says of it. None of them needs the engine. */
import { flagEverything, noHints, otherInputClaimed, otherPayloadShown, wrongSideHints } from '../../../tests/support/cheats/tampered-commitment.ts';
import { constantRows, randomRows, rowNoise, tamperedOutliers, zeroRows } from '../../../tests/support/cheats/tampered-rows.ts';
import { ATTACK_SEED } from './compute-attacks.ts';
import { placesOf, UNITS_OF_PROMPT } from './audited-stage.ts';
import { Tally } from './tally.ts';
import type { UnitUnderAudit } from '@ciro/core/audit/check-unit.ts';
import type { CommitmentCheat } from '../../../tests/support/cheats/tampered-commitment.ts';
import type { AuditedStage, UnitPlace } from './audited-stage.ts';
import type { AttackRow } from './tally.ts';

/** Smallest and largest noise, as exponents of two of the scale. tau is 2^-12. */
const NOISE_EXPONENTS = [-12, -11, -10, -9, -8, -7, -6] as const;
/** Weaker noise than the issue asks for: where the verdict's sight ends. */
const FAINT_EXPONENTS = [-15, -14, -13] as const;

/** Rows that a cheat hands on in the place of the right ones, self-consistently committed. */
type RowAttack = readonly [name: string, rows: (at: AuditedStage, place: UnitPlace) => Float32Array, beside?: string];

/** The same unit of another prompt, `by` further or the next whose rows are others: conversations may begin with the same words. */
function other(at: AuditedStage, { prompt, unit }: UnitPlace, prompts: number, by: number): UnitPlace {
  const own = at.rows({ prompt, unit });
  for (let step = by; step < by + prompts; step++) {
    const place = { prompt: (prompt + step) % prompts, unit };
    if (at.rows(place).some((value, i) => value !== own[i])) return place;
  }
  throw new RangeError(`unit ${unit} is the same in all ${prompts} prompts`);
}

/** One line an attack on rows or commitments, `units` units each. */
export function rowAttackRows(at: AuditedStage, units: number, prompts: number): AttackRow[] {
  const attacks: RowAttack[] = [
    ...FAINT_EXPONENTS.map((exponent): RowAttack => [`noise of 2^${exponent} scale`, (stage, place) => rowNoise(exponent, ATTACK_SEED)(stage.seenByCheat(place)), faintNote(exponent)]),
    ...NOISE_EXPONENTS.map((exponent): RowAttack => [`noise of 2^${exponent} scale`, (stage, place) => rowNoise(exponent, ATTACK_SEED)(stage.seenByCheat(place))]),
    ['outlier channels tampered with', (stage, place) => tamperedOutliers(stage.seenByCheat(place))],
    ['constant payload', (stage, place) => constantRows(stage.seenByCheat(place))],
    ['zero payload', (stage, place) => zeroRows(stage.seenByCheat(place))],
    ['random payload of the right scales', (stage, place) => randomRows(ATTACK_SEED)(stage.seenByCheat(place))],
    ["stale result: the unit before's", (stage, place) => stage.rows({ ...place, unit: (place.unit + UNITS_OF_PROMPT - 1) % UNITS_OF_PROMPT })],
    ["other job's result", (stage, place) => stage.rows(other(stage, place, prompts, 1))],
  ];
  const rows = attacks.map(([name, cheat, beside]) => {
    const tally = new Tally();
    for (const place of placesOf(units, prompts)) {
      const { code, grid } = at.judgeRows(place, cheat(at, place));
      tally.add(code, grid);
    }
    return tally.row(at.model.key, name, at.stage.name, beside === undefined ? {} : { note: beside, inBar: false });
  });
  return [...rows, ...commitmentRows(at, units, prompts)];
}

const honestCommitment = (at: AuditedStage, place: UnitPlace): UnitUnderAudit => at.commit(place, at.rows(place));

function commitmentRows(at: AuditedStage, units: number, prompts: number): AttackRow[] {
  const attacks: (readonly [string, (place: UnitPlace) => CommitmentCheat])[] = [
    ['flag-everything hints', () => flagEverything],
    ['wrong-side hints', () => wrongSideHints],
    ['no hints', () => noHints],
    ['payload shown is not the one committed', (place) => otherPayloadShown(honestCommitment(at, other(at, place, prompts, 1)))],
  ];
  const rows = attacks.map(([name, cheat]) => {
    const tally = new Tally();
    for (const place of placesOf(units, prompts)) tally.add(at.judge(place, cheat(place)(at.commit(place, at.rows(place)), at.under)));
    return tally.row(at.model.key, `${name}, rows right`, at.stage.name);
  });
  return [...rows, copiedPayload(at, units, prompts), hintedNoise(at, units, prompts), changedInput(at, units, prompts)];
}

/** Hands its own input on: no work at all, and rows of the right sort. The first stage's input is ids, so it copies another job's rows instead. */
function copiedPayload(at: AuditedStage, units: number, prompts: number): AttackRow {
  const tally = new Tally();
  for (const place of placesOf(units, prompts)) {
    const input = at.input(place);
    const copied = at.stage.shape.embeds ? at.rows(other(at, place, prompts, 2)) : new Float32Array(input.buffer, input.byteOffset, input.byteLength / 4);
    const { code, grid } = at.judgeRows(place, copied);
    tally.add(code, grid);
  }
  return tally.row(at.model.key, 'copied payload', at.stage.name, { note: at.stage.shape.embeds ? 'of another job' : "the neighbour's, handed on" });
}

/** What flag-everything hints are for: rows a little off, with every edge bent towards them. */
function hintedNoise(at: AuditedStage, units: number, prompts: number): AttackRow {
  const tally = new Tally();
  for (const place of placesOf(units, prompts)) {
    tally.add(at.judge(place, flagEverything(at.commit(place, rowNoise(-11, ATTACK_SEED)(at.seenByCheat(place))), at.under)));
  }
  return tally.row(at.model.key, 'flag-everything hints over noise of 2^-11', at.stage.name);
}

/** Computes on other inputs and claims those. The pieces that a neighbour supplies have the hash of what crossed the link. */
function changedInput(at: AuditedStage, units: number, prompts: number): AttackRow {
  const tally = new Tally();
  for (const place of placesOf(units, prompts)) {
    const elsewhere = other(at, place, prompts, 1);
    const claimed = otherInputClaimed(at.input(elsewhere))(at.commit(place, at.rows(elsewhere)), at.under);
    tally.add(at.judge(place, { ...claimed, input: at.input(place) }));
  }
  return tally.row(at.model.key, 'claims the inputs of another prompt', at.stage.name);
}

const faintNote = (exponent: number): string =>
  exponent < -14 ? 'not caught by construction: its mean over a row is below tau / 8, which is what honest engines are allowed' : 'fainter than the attacks asked for: shows where sight ends';
