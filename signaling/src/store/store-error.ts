import { CiroError } from '@ciro/core/errors.ts';

/** `locked`: another process owns the database. `unavailable`: it cannot be opened. Fields: `pid` or `database`. */
export class StoreError extends CiroError<'locked' | 'unavailable'> {}
