import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why an audit came to no end. `closed`: the desk stops; `full`: too many jobs wait for their draw; `drawn`: the job had its
 * draw already; `unknown-model`: the model is not served any more; `reference-failed`: the coordinator's own run gave no rows;
 * `not-settled`: store or ledger failed for the stages in `stages`. Whatever the code, credits that were not decided stay pending.
 */
export class AuditError extends CiroError<'closed' | 'full' | 'drawn' | 'unknown-model' | 'reference-failed' | 'not-settled'> {}
