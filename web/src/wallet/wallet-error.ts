import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why there are no keys. `insecure-context`: the page came over plain HTTP, where browsers hide WebCrypto.
 * `no-web-crypto`: this browser has none. `unreadable`: keys are stored but cannot be opened; they are never overwritten.
 */
export class WalletError extends CiroError<'insecure-context' | 'no-web-crypto' | 'unreadable'> {}
