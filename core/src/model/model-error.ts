import { CiroError } from '../errors.ts';

/**
 * A model, manifest or calibration table that was refused.
 * `unsupported-model`: a sound file that Ciro can't run; `bad-tensors`: a file whose tensors contradict its own numbers.
 */
export class ModelError extends CiroError<'unsupported-model' | 'bad-tensors' | 'bad-manifest' | 'bad-calibration'> {}
