import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { BoundaryStatistics } from './boundary-statistics.ts';
import { BoundaryErrors } from './calibrate-errors.ts';
import { measureLogits } from './calibrate-logits.ts';
import { deltaExponentFrom, refuseUnresolved, refuseUnsteady, tauExponentFrom } from './calibrate-limits.ts';
import { requantised } from './calibrate-requantise.ts';
import { CALIBRATION_VERSION } from './calibration-corpus.ts';
import { openReferenceLayers } from './reference-run.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CalibrationFindings, StageFindings } from './calibrate-findings.ts';
import type { CalibrationSequence } from './calibration-corpus.ts';
import type { BoundaryRows } from './reference-run.ts';

/** Stages of the default cut, over each of which the 8-bit cheat must show (docs/decisions/0006). */
const DEFAULT_STAGES = 3;
/** MAX_RUN_TOKENS of a stage: the longest honest run there is. */
const WIDE_CHUNK_TOKENS = 64;
/**
 * Positions of whole sequences that are computed three more times, for the honest errors and the cheat; every other sequence
 * adds its first position. For the default model 18 s beside the 32 s of the scales, whatever the corpus' length.
 */
const MEASURED_POSITIONS = 320;

export interface CalibrationOptions {
  /** Calibrates only the first layers, for a test: the rest of the table stays zero and nothing is refused for its stages. */
  readonly layers?: number;
  /** Stages that the 8-bit cheat is measured over; default 3. */
  readonly stages?: number;
  /** Told after every boundary, of layers + 2. */
  readonly onBoundary?: (done: number, total: number) => void;
}

/** A table and what its tolerances were made from. */
export interface Calibration {
  readonly table: CalibrationTable;
  readonly findings: CalibrationFindings;
}

/** The runs that are compared, at the boundary reached so far. `cheat` starts from the reference at every stage. */
interface Runs {
  reference: BoundaryRows;
  decode: BoundaryRows;
  wide: BoundaryRows;
  cheat: BoundaryRows;
}

/**
 * The calibration table of a model (PROTOCOL 5): a power-of-two scale per channel for every boundary, from the reference
 * run over the corpus; tau and delta from that run against single positions and runs of 64 in the same build. The same bits on every run and
 * machine. Holds one layer's weights at a time; the library's memory stays, so run it in a process of its own (`runCalibration`).
 *
 * @param manifest its calibration isn't read
 * @throws ModelsError `calibration-refused` naming boundary, position and value, or the stage that 8 bits can't be told from
 */
export async function calibrate(
  manifest: ModelManifest,
  readShard: (name: string) => Promise<Uint8Array>,
  sequences: readonly CalibrationSequence[],
  options: CalibrationOptions = {},
): Promise<Calibration> {
  const { hidden, layers, context } = manifest.architecture;
  const total = layers + 2;
  const exponents = new Int8Array(total * hidden);
  const exponentsAtZero = new Int8Array(total * hidden);
  const ids = sequences.map((sequence) => sequence.ids.slice(0, context));
  const prefixes = measuredPrefixes(ids);
  const measured = (rows: BoundaryRows): BoundaryRows => rows.map((each, index) => each.subarray(0, (prefixes[index] ?? 0) * hidden));

  /** Makes the scales of a boundary from the reference's rows. */
  const fit = (boundary: number, rows: BoundaryRows): BoundaryErrors => {
    const statistics = new BoundaryStatistics(boundary, hidden);
    rows.forEach((each, index) => {
      if (sequences[index]?.heldOut === false) statistics.add(each);
    });
    const found = statistics.exponents();
    for (const each of rows) statistics.check(each, found);
    exponents.set(found.exponents, boundary * hidden);
    exponentsAtZero.set(found.exponentsAtZero, boundary * hidden);
    options.onBoundary?.(boundary + 1, total);
    return new BoundaryErrors(hidden, found);
  };

  const embedding = new EmbeddingTable(manifest, await readShard('embedding'));
  const reference = ids.map((each) => embedding.rows(each));
  fit(0, reference);
  const runs: Runs = { reference, decode: measured(reference), wide: measured(reference), cheat: [] };
  const stages = stagesOf(layers, options.stages ?? DEFAULT_STAGES);
  const until = options.layers ?? layers;
  const cheats: { findings: Omit<StageFindings, 'requantisedPast8Tau'>; errors: BoundaryErrors }[] = [];
  let [honestMax, honestMaxAtZero] = [0, 0];

  // Step `layers` is the final norm; it belongs to the last stage.
  for (let layer = 0; layer < until || (layer === until && layer === layers); layer++) {
    if (stages.some(({ from }) => from === layer)) runs.cheat = measured(runs.reference);
    await step(manifest, readShard, layer, runs);
    const boundary = layer + 1;
    const honest = fit(boundary, runs.reference);
    const cheat = honest.like();
    honest.add(runs.reference, runs.decode);
    honest.add(runs.reference, runs.wide);
    refuseUnsteady(boundary, honest);
    honestMax = Math.max(honestMax, honest.max);
    honestMaxAtZero = Math.max(honestMaxAtZero, honest.maxAtZero);
    const ended = stages.find(({ from, to }) => (to === layers ? boundary === layers + 1 : boundary === to && from < to));
    if (ended === undefined) continue;
    cheat.add(runs.reference, runs.cheat);
    cheats.push({ findings: { ...ended, boundary, honest: honest.quantiles(), honestAtZero: honest.maxAtZero, requantised: cheat.quantiles() }, errors: cheat });
  }

  const tauExponent = tauExponentFrom(honestMax);
  const tauExponentAtZero = tauExponentFrom(honestMaxAtZero);
  const found = cheats.map(({ findings, errors }) => ({ ...findings, requantisedPast8Tau: errors.shareAbove(8 * 2 ** tauExponent) }));
  for (const stage of found) refuseUnresolved(stage, tauExponent);
  const logits = until === layers ? await measureLogits(manifest, readShard, measured(runs.reference), [{ rows: runs.decode, chunk: 1 }, { rows: runs.wide, chunk: WIDE_CHUNK_TOKENS }]) : { difference: 0, rms: 0 };
  return {
    table: {
      version: CALIBRATION_VERSION,
      hidden,
      exponents,
      exponentsAtZero,
      tauExponent,
      tauExponentAtZero,
      deltaExponent: deltaExponentFrom(logits),
    },
    findings: { stages: found, positions: prefixes.reduce((sum, each) => sum + each, 0), honestMax, honestMaxAtZero, logitDifference: logits.difference, logitRms: logits.rms },
  };
}

/** Takes every run through one layer, or through the final norm. */
async function step(manifest: ModelManifest, readShard: (name: string) => Promise<Uint8Array>, layer: number, runs: Runs): Promise<void> {
  const { layers } = manifest.architecture;
  const norm = layer === layers;
  const shape = { from: layer, to: norm ? layer : layer + 1, embeds: false, heads: norm } as const;
  const open = await openReferenceLayers(manifest, readShard, shape);
  runs.reference = await open.run(runs.reference);
  runs.decode = await open.run(runs.decode, 1);
  runs.wide = await open.run(runs.wide, WIDE_CHUNK_TOKENS);
  await open.release();
  const rounded = await openReferenceLayers(manifest, readShard, shape, requantised(8));
  runs.cheat = await rounded.run(runs.cheat);
  await rounded.release();
}

/** Layer ranges of a cut into even stages; a model of fewer layers has fewer stages. */
function stagesOf(layers: number, count: number): { from: number; to: number }[] {
  const cut = (index: number): number => Math.round((layers * index) / count);
  return Array.from({ length: count }, (_, index) => ({ from: cut(index), to: cut(index + 1) })).filter(({ from, to }) => from < to);
}

/** Positions of each sequence that are measured: the longest in full while the budget lasts, the first of all others. */
function measuredPrefixes(ids: readonly Uint32Array[]): number[] {
  const prefixes = ids.map(() => 1);
  const longest = ids.map((_, index) => index).sort((a, b) => (ids[b]?.length ?? 0) - (ids[a]?.length ?? 0) || a - b);
  let left = MEASURED_POSITIONS;
  for (const index of longest) {
    const length = ids[index]?.length ?? 0;
    if (length > left) break;
    prefixes[index] = length;
    left -= length;
  }
  return prefixes;
}
