import { CiroError } from '@ciro/core/errors.ts';

/** What can be wrong between us and a chain. */
export class ChainError extends CiroError<
  | 'no-devnet'
  | 'devnet-failed'
  | 'bad-download'
  | 'node-silent'
  | 'wrong-chain'
  | 'foreign-class'
  | 'compiled-class'
  | 'reverted'
  | 'refused'
  | 'bad-network'
  | 'missing-role'
  | 'bad-constructor'
> {}
