import { CiroError } from '../errors.ts';

/**
 * Why payees make no epoch: `bad-account` is no address; `duplicate-account` has two amounts; `bad-amount` is no positive u128; `over-total`
 * when all of them together are no u128; `empty` and `too-many` payees; `fell` when one has earned less than in the epoch before and no
 * correction says why.
 */
export class SettlementError extends CiroError<'bad-account' | 'duplicate-account' | 'bad-amount' | 'over-total' | 'empty' | 'too-many' | 'fell'> {}
