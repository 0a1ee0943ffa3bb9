import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a claim did not come to tokens. `bad-answer`, `wrong-proof`, `wrong-chain`, `paymaster-lied`: the coordinator, the node or the paymaster answered with something
 * that does not hold; nothing was signed, or nothing else than the claim. `not-claimable`: the contract does not pay this epoch. `no-ticket`, `refused`: nobody
 * pays for it now. `reverted`: the contract refused it. `unreachable`, `not-in-block`: may be tried again.
 */
export type ClaimCode = 'bad-answer' | 'wrong-proof' | 'wrong-chain' | 'not-claimable' | 'no-ticket' | 'refused' | 'paymaster-lied' | 'reverted' | 'unreachable' | 'not-in-block' | 'stopped';

export class ClaimError extends CiroError<ClaimCode> {}

/** Trying again after a while may help. `fields.retry` tells it of what a sponsor refused. */
export const mayRetry = (error: unknown): boolean =>
  error instanceof ClaimError && (error.code === 'unreachable' || error.code === 'not-in-block' || (error.code === 'refused' && error.fields['retry'] === true));
