import { CiroError } from '@ciro/core/errors.ts';

/**
 * `locked`: another process owns the database. `unavailable`: it cannot be opened. `outdated`: its ledger is of another version.
 * Fields: `pid`, `database` or `hash`.
 */
export class StoreError extends CiroError<'locked' | 'unavailable' | 'outdated'> {}
