import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why nothing was signed or sent. `not-sponsored`, `bad-calls`, `bad-bounds`: what was asked for is not ours to send.
 * All others: the paymaster answered with something else than what was asked for; use another one.
 */
export class PaymasterError extends CiroError<
  'not-sponsored' | 'bad-calls' | 'bad-bounds' | 'wrong-type' | 'wrong-caller' | 'wrong-calls' | 'wrong-chain' | 'wrong-bounds' | 'wrong-deployment' | 'wrong-shape' | 'not-checked'
> {}
