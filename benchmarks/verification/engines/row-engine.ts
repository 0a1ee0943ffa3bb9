import type { BenchModel, BenchStage } from '../models.ts';
import type { RowInputs, RowOutputs } from './compute-rows.ts';

/** Something that computes stages elsewhere than in this process: another library, thread count, browser or device. */
export interface RowEngine extends AsyncDisposable {
  /** Computes all prompts of a stage. Rejects when the engine fails or the signal aborts. */
  compute(model: BenchModel, stage: BenchStage, inputs: RowInputs): Promise<RowOutputs>;
}

/** This machine has not what an engine needs; says what would change that. */
export class EngineMissing extends Error {
  override readonly name = 'EngineMissing';
}
