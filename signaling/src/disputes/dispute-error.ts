import { CiroError } from '@ciro/core/errors.ts';

/** `refused`: the chain turned down what was sent. */
export class DisputeError extends CiroError<'refused'> {}
