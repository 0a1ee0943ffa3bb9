/** A stage under attack: what an honest auditor computes, and the verdict that core gives. */
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { commitUnit } from '../../../tests/support/cheats/committed-unit.ts';
import { PROMPT_POSITIONS } from '../prompts.ts';
import { gridTellsApart } from './early-grid.ts';
import type { StageUnderAudit, UnitUnderAudit } from '@ciro/core/audit/check-unit.ts';
import type { UnitRows } from '../../../tests/support/cheats/tampered-rows.ts';
import type { BenchModel, BenchStage } from '../models.ts';
import type { Reference } from '../stages-reference.ts';

/** Units of 16 rows of every prompt. */
export const UNITS_OF_PROMPT: number = PROMPT_POSITIONS / UNIT_POSITIONS;

/** Names one unit of 16 rows. */
export interface UnitPlace {
  readonly prompt: number;
  readonly unit: number;
}

export interface AuditedStage {
  readonly model: BenchModel;
  readonly stage: BenchStage;
  readonly under: StageUnderAudit;
  readonly channels: number;
  /** The reference run's rows: an honest worker's and an honest auditor's alike. */
  rows(place: UnitPlace): Float32Array;
  input(place: UnitPlace): Uint8Array;
  /** Honest rows as a cheat with rows sees them. */
  seenByCheat(place: UnitPlace): UnitRows;
  /** The commitment to rows, honest in every other way. */
  commit(place: UnitPlace, rows: Float32Array, ids?: Uint32Array): UnitUnderAudit;
  /** What the verdict names first; null when it passes. `auditor`: its rows, the reference's when absent. */
  judge(place: UnitPlace, unit: UnitUnderAudit, auditor?: Float32Array): string | null;
  /** `commit` and `judge` of rows, with what the early grid would have said. */
  judgeRows(place: UnitPlace, rows: Float32Array): { code: string | null; grid: boolean };
}

/** The stage of a model with its reference rows. */
export function auditedStage(model: BenchModel, stage: BenchStage, reference: Reference): AuditedStage {
  const channels = model.manifest.architecture.hidden;
  const under: StageUnderAudit = { table: model.table, boundary: stage.boundary, last: stage.last };
  const grid = boundaryGrid(model.table, stage.boundary);
  const scales = (inverse: Float64Array, tauExponent: number): Float64Array => inverse.map((each) => 1 / each / 64 / 2 ** tauExponent);
  const atZero = scales(grid.inverseStepAtZero, model.table.tauExponentAtZero);
  const elsewhere = scales(grid.inverseStep, model.table.tauExponent);
  const width = stage.shape.embeds ? 1 : channels;
  const rows = ({ prompt, unit }: UnitPlace): Float32Array => unitOf(reference.rows(stage.index, prompt), unit, channels);
  const positions = ({ unit }: UnitPlace): { from: number; to: number } => ({ from: unit * UNIT_POSITIONS, to: (unit + 1) * UNIT_POSITIONS });
  const input = ({ prompt, unit }: UnitPlace): Uint8Array => {
    const all = reference.input(stage.index, prompt);
    const part = all.subarray(unit * UNIT_POSITIONS * width, (unit + 1) * UNIT_POSITIONS * width);
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  };
  const commit: AuditedStage['commit'] = (place, own, ids) => commitUnit({ ...positions(place), input: input(place), rows: own, ...(ids && { ids }) }, under);
  const judge: AuditedStage['judge'] = (place, unit, auditor) => checkUnit(unit, auditor ?? rows(place), under).finding?.code ?? null;
  return {
    model,
    stage,
    under,
    channels,
    rows,
    input,
    commit,
    judge,
    seenByCheat: (place) => ({ rows: rows(place), channels, scales: (row) => (place.unit === 0 && row === 0 ? atZero : elsewhere), unit: `${stage.name} ${place.prompt} ${place.unit}` }),
    judgeRows: (place, own) => ({ code: judge(place, commit(place, own)), grid: gridTellsApart(own, rows(place)) }),
  };
}

/** Unit `unit` of rows [positions, channels]. */
export const unitOf = (rows: Float32Array, unit: number, channels: number): Float32Array => rows.subarray(unit * UNIT_POSITIONS * channels, (unit + 1) * UNIT_POSITIONS * channels);

/** The first `units` places, prompt after prompt. `from`: the first unit of a prompt that is taken. */
export function placesOf(units: number, prompts: number, from = 0): UnitPlace[] {
  const places: UnitPlace[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) for (let unit = from; unit < UNITS_OF_PROMPT; unit++) if (places.length < units) places.push({ prompt, unit });
  return places;
}
