/** Bytes that hints take, in rows of a real stage and of one four times as wide. */
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UnitCells } from '@ciro/core/commitment/unit-cells.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { BoundaryStatistics } from '@ciro/signaling/models/boundary-statistics.ts';
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { seededRows, SeededWeights } from '@ciro/web/engine/seeded-weights.ts';
import type { BoundaryGrid } from '@ciro/core/commitment/cells.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';

/** Hints of some rows: mean bytes a row, and those of the unit that has most. */
export interface HintBytes {
  readonly rows: number;
  readonly mean: number;
  readonly most: number;
}

/** Hints of rows [n, channels] that stand at positions from 0, cut into units. `sequences`: each from position 0. */
export function hintBytes(sequences: readonly Float32Array[], grid: BoundaryGrid): HintBytes {
  let [rows, bytes, most] = [0, 0, 0];
  for (const sequence of sequences) {
    const cells = new UnitCells(grid);
    const positions = sequence.length / grid.channels;
    for (let position = 0; position < positions; position++) {
      const cut = cells.accept(position, sequence.subarray(position * grid.channels, (position + 1) * grid.channels));
      if (cut === undefined) continue;
      rows += UNIT_POSITIONS;
      bytes += cut.hints.length;
      most = Math.max(most, cut.hints.length / UNIT_POSITIONS);
    }
  }
  return { rows, mean: bytes / rows, most };
}

/** Width, heads and layers of models of one to two billion parameters; one layer of it is stage enough. */
const WIDE: Architecture = {
  family: 'llama', layers: 1, hidden: 2_048, heads: 32, kvHeads: 8, headDim: 64, feedForward: 2_048, vocabulary: 32, context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: false,
};
const WIDE_SEQUENCES = 4;
const WIDE_POSITIONS = 64;
/** Everything random in the wide stage. */
export const WIDE_SEED = 20_251_126;

/** Hints of a made-up stage of 2,048 channels: its rows computed by the engine, its scales made from them as calibration makes them. */
export async function wideHintBytes(): Promise<HintBytes> {
  const graph = buildLayersGraph(WIDE, { from: 0, to: 1, embeds: false, heads: false });
  const weights = new SeededWeights(graph.weights, WIDE_SEED);
  const session = await createReferenceSession(graph, (name) => weights.values(name));
  const runner = new StageRunner(WIDE, { from: 0, to: 1, embeds: false, heads: false }, { layers: session });
  const sequences: Float32Array[] = [];
  for (let index = 0; index < WIDE_SEQUENCES; index++) {
    const job = String(index);
    const input = seededRows(WIDE_POSITIONS * WIDE.hidden, WIDE_SEED, job);
    const rows = new Float32Array(input.length);
    runner.openJob(job, WIDE_POSITIONS);
    for (let at = 0; at < WIDE_POSITIONS; at += UNIT_POSITIONS) {
      const from = at * WIDE.hidden;
      const to = (at + UNIT_POSITIONS) * WIDE.hidden;
      rows.set((await runner.run(job, at, input.slice(from, to), UNIT_POSITIONS)).rows, from);
    }
    runner.closeJob(job);
    sequences.push(rows);
  }
  await session.release();
  return hintBytes(sequences, boundaryGrid(scalesOf(sequences), 0));
}

function scalesOf(sequences: readonly Float32Array[]): CalibrationTable {
  const statistics = new BoundaryStatistics(0, WIDE.hidden);
  for (const rows of sequences) statistics.add(rows);
  return { version: 1, hidden: WIDE.hidden, ...statistics.exponents(), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -12 };
}
