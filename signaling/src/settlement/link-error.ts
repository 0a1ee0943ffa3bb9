import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a change of the payout account was not taken; nothing else changed then (SPEC Y9). `wrong_chain`: signed for another chain or contract. `expired`: too late, or valid for too long.
 * `replayed`: not the next change of that worker. `identity_signature`, `wallet_signature`: missing, or of somebody else. `account_not_deployed`, `not_an_account`: nothing there that could say whose a signature is.
 */
export type PayoutLinkCode = 'wrong_chain' | 'expired' | 'replayed' | 'identity_signature' | 'wallet_signature' | 'account_not_deployed' | 'not_an_account' | 'node_silent';

export class PayoutLinkError extends CiroError<PayoutLinkCode> {}
