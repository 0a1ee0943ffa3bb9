import { CiroError } from '@ciro/core/errors.ts';

/**
 * `locked`: another process owns the database. `unavailable`: it cannot be opened. `outdated`: its ledger is of another version.
 * `backup-exists`: a file is there already. `damaged-backup`: a file is not what was written. `not-empty`: a restore would go over data.
 * Fields: `pid`, `database` or `hash`.
 */
export class StoreError extends CiroError<'locked' | 'unavailable' | 'outdated' | 'backup-exists' | 'damaged-backup' | 'not-empty'> {}
