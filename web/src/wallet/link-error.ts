import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a payout account was not changed. `refused`: the wallet, or its owner, said no. `other_account`, `wrong_chain`, `bad_wallet`: the wallet answered for another account, is on another chain,
 * or answered with what no wallet gives. `no_chain`: nobody is paid on a chain here. `unreachable`: the coordinator did not answer. `not_taken`: it refused, `fields.code` says why. Nothing was changed by any of them.
 */
export type LinkCode = 'refused' | 'other_account' | 'wrong_chain' | 'bad_wallet' | 'no_chain' | 'unreachable' | 'bad_answer' | 'not_taken';

export class LinkError extends CiroError<LinkCode> {}
