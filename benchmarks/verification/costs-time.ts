/** What committing and auditing cost beside the work itself, on one stage of ten layers in this process. */
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { rowHashes } from '@ciro/core/audit/blind.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UnitCells } from '@ciro/core/commitment/unit-cells.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { median } from '../figures/figure.ts';
import { auditedStage, UNITS_OF_PROMPT, unitOf } from './attacks/audited-stage.ts';
import { openStage } from './stages.ts';
import type { BenchModel } from './models.ts';
import type { Reference } from './stages-reference.ts';

/** Medians over this many rounds; the first, which warms up, is not counted. */
const ROUNDS = 7;
/** Cells of one row take microseconds: many rows a reading. */
const CELL_REPEATS = 20;

export interface StageTimes {
  /** Milliseconds of processor a position: in chunks of 16, and one at a time. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Cells and hints of one row: what a commitment costs between two runs of the engine. */
  readonly commitMs: number;
  /** Milliseconds of an audit of 64 positions up to each cut of 1 to 4 units, with hashes and verdict; and of the prefill of those 64. */
  readonly auditMs: readonly number[];
  readonly prefill64Ms: number;
}

/** Measures the middle stage over one prompt of 64 positions, in processor time, everything in turns. */
export async function measureTimes(model: BenchModel, reference: Reference, signal: AbortSignal): Promise<StageTimes> {
  const [, stage] = model.stages;
  const at = auditedStage(model, stage, reference);
  const input = reference.input(stage.index, 0);
  const rows = reference.rows(stage.index, 0);
  const positions = rows.length / at.channels;
  const units = Array.from({ length: UNITS_OF_PROMPT }, (_, unit) => at.commit({ prompt: 0, unit }, at.rows({ prompt: 0, unit })));
  const grid = boundaryGrid(model.table, stage.boundary);
  await using open = await openStage(model, stage.shape);

  const audit = async (cut: number): Promise<void> => {
    const own = await open.run(input.slice(0, cut * UNIT_POSITIONS * at.channels));
    rowHashes(own, at.channels);
    for (const [index, unit] of units.slice(0, cut).entries()) checkUnit(unit, unitOf(own, index, at.channels), at.under);
  };
  const readings = { prefill: [] as number[], decode: [] as number[], commit: [] as number[], audits: units.map((): number[] => []) };
  for (let round = 0; round <= ROUNDS; round++) {
    signal.throwIfAborted();
    if (round === 1) for (const list of [readings.prefill, readings.decode, readings.commit, ...readings.audits]) list.length = 0;
    readings.prefill.push(await timed(() => open.run(input)));
    for (const [index, list] of readings.audits.entries()) list.push(await timed(() => audit(index + 1)));
    readings.decode.push(await timed(() => open.run(input, { chunk: 1 })));
    readings.commit.push((await timed(async () => commit(rows, grid.channels, () => new UnitCells(grid)))) / CELL_REPEATS / positions);
  }
  const prefill64Ms = median(readings.prefill);
  return { prefillMs: prefill64Ms / positions, decodeMs: median(readings.decode) / positions, commitMs: median(readings.commit), auditMs: readings.audits.map(median), prefill64Ms };
}

function commit(rows: Float32Array, channels: number, fresh: () => UnitCells): void {
  for (let repeat = 0; repeat < CELL_REPEATS; repeat++) {
    const cells = fresh();
    for (let position = 0; position * channels < rows.length; position++) cells.accept(position, rows.subarray(position * channels, (position + 1) * channels));
  }
}

/** Milliseconds of processor: what other programs take of a busy machine is not counted. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
