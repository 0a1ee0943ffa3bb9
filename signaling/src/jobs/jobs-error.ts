import { CiroError } from '@ciro/core/errors.ts';

/** Why a job is not taken. */
export class JobsError extends CiroError<'task_not_available' | 'bad_job' | 'idempotency_conflict' | 'idempotency_in_progress'> {}
