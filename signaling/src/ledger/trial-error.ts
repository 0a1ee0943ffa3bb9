import { CiroError } from '@ciro/core/errors.ts';

/** Why the community pool gives no trial now. Fields: `retryAfterMs` with `daily-cap`. */
export class TrialError extends CiroError<'daily-cap' | 'pool-empty'> {}
