import { CiroError } from '../errors.ts';

/** What a stage refuses to compute, and why. `stale-cache` means that the caller's position is not the cache's length. */
export class EngineError extends CiroError<
  | 'stale-cache'
  | 'unknown-job'
  | 'duplicate-job'
  | 'too-many-jobs'
  | 'past-capacity'
  | 'over-memory'
  | 'bad-input'
  | 'missing-tensor'
  | 'session-failed'
  | 'provider-unavailable'
  | 'disposed'
  | 'aborted'
> {}
