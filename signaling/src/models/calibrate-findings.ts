import * as v from 'valibot';

const Amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const Errors = v.object({ p50: Amount, p999: Amount, max: Amount });

/** What was measured about one stage of the default cut; errors in units of a channel's scale, past position 0 unless said. */
export const StageFindings = v.object({
  /** Layers [from, to). */
  from: v.number(),
  to: v.number(),
  /** Boundary of its payload. */
  boundary: v.number(),
  /** Between honest runs of all layers up to here, each from its own rows: single positions and runs of 64 against the reference. */
  honest: Errors,
  honestAtZero: Amount,
  /** Between the reference and a stage whose weights were rounded to 8 bits again, from the reference's own inputs. */
  requantised: Errors,
  /** Share of those that lies past 8 tau: below 1 % the model is refused. */
  requantisedPast8Tau: Amount,
});
export type StageFindings = v.InferOutput<typeof StageFindings>;

/** What the table's tolerances rest on. */
export const CalibrationFindings = v.object({
  stages: v.array(StageFindings),
  /** Positions that were measured. */
  positions: v.number(),
  /** Largest honest error at any boundary, past position 0 and at it. */
  honestMax: Amount,
  honestMaxAtZero: Amount,
  /** Largest difference of a logit between honest runs, and the logits' root mean square. */
  logitDifference: Amount,
  logitRms: Amount,
});
export type CalibrationFindings = v.InferOutput<typeof CalibrationFindings>;
