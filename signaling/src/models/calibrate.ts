import { BoundaryStatistics } from './boundary-statistics.ts';
import { CALIBRATION_VERSION } from './calibration-corpus.ts';
import { referenceRows } from './reference-run.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CalibrationSequence } from './calibration-corpus.ts';

/**
 * tau = 2^-12 of the scale, the floor of PROTOCOL 5. The other part of its maximum, four times the largest difference
 * between two CPU engines, is measured by the qualification bench; a model that needs more gets a larger exponent here.
 */
export const TAU_EXPONENT_FLOOR = -12;

export interface CalibrationOptions {
  /** Calibrates only the first layers, for a test; the rest of the table stays zero. */
  readonly layers?: number;
  /** Told after every boundary, of layers + 2. */
  readonly onBoundary?: (done: number, total: number) => void;
}

/**
 * The calibration table of a model (PROTOCOL 5): a power-of-two scale per channel for every boundary, from the reference
 * run over the corpus. The same bits on every run and machine. Takes about 10 ms a token for the default model and holds
 * one layer's weights; the library's memory stays, so run it in a process of its own (`runCalibration`).
 *
 * @param manifest its calibration isn't read
 * @throws ModelsError `calibration-refused` naming boundary, position and value
 */
export async function calibrate(
  manifest: ModelManifest,
  readShard: (name: string) => Promise<Uint8Array>,
  sequences: readonly CalibrationSequence[],
  options: CalibrationOptions = {},
): Promise<CalibrationTable> {
  const { hidden, layers, context } = manifest.architecture;
  const total = layers + 2;
  const exponents = new Int8Array(total * hidden);
  const exponentsAtZero = new Int8Array(total * hidden);
  const ids = sequences.map((sequence) => sequence.ids.slice(0, context));
  let boundary = 0;
  for await (const rows of referenceRows(manifest, readShard, ids, options.layers)) {
    const statistics = new BoundaryStatistics(boundary, hidden);
    rows.forEach((each, index) => {
      if (sequences[index]?.heldOut === false) statistics.add(each);
    });
    const found = statistics.exponents();
    for (const each of rows) statistics.check(each, found);
    exponents.set(found.exponents, boundary * hidden);
    exponentsAtZero.set(found.exponentsAtZero, boundary * hidden);
    boundary += 1;
    options.onBoundary?.(boundary, total);
  }
  return {
    version: CALIBRATION_VERSION,
    hidden,
    exponents,
    exponentsAtZero,
    tauExponent: TAU_EXPONENT_FLOOR,
    tauExponentAtZero: TAU_EXPONENT_FLOOR,
  };
}
