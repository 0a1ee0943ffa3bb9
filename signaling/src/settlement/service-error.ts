import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why settlement stands still. `unbacked`: the total is over what the contract holds and has paid. `foreign-root`: the contract has
 * another root under our number. `reverted`: the contract refused an epoch or a push. `out-of-order`: an epoch's number is not the
 * next one. `no-address`: a worker's identity key is not known. `foreign-chain`: contract or chain are not those of the stored epochs. `overdrawn`: a worker earned less than is kept for its earlier accounts. Fields name the epoch, the amounts and the transaction.
 */
export class SettlementServiceError extends CiroError<'unbacked' | 'foreign-root' | 'reverted' | 'out-of-order' | 'no-address' | 'foreign-chain' | 'overdrawn'> {}
