import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a job got no answer. Fields by code: `worker` and `stage` where one is to blame, `missingBytes`, `missingWorkers`
 * and `workerBytes` with `no-workers` and `not-covered` (a `Shortage`), `retryAfterMs` with `queue-full`, `no-workers` and `not-covered`.
 */
export class SchedulerError extends CiroError<
  'no-workers' | 'not-covered' | 'queue-full' | 'worker-lost' | 'stage-refused' | 'prefix-gone' | 'prepare-timeout' | 'stalled' | 'link-lost' | 'fault' | 'cancelled' | 'unknown-model' | 'bad-order'
> {}
