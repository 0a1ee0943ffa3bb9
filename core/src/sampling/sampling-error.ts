import { CiroError } from '../errors.ts';

/** Logits from which nothing can be drawn. */
export class SamplingError extends CiroError<'bad-logits'> {}
