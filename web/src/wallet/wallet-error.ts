import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why there are no keys, or why they were not moved. `insecure-context`: the page came over plain HTTP, where browsers hide WebCrypto.
 * `no-web-crypto`: this browser has none. `unreadable`: keys are stored but cannot be opened; they are never overwritten.
 * `weak-passphrase`, `wrong-passphrase`, `bad-backup`: nothing was exported or imported. `identity-exists`: another identity is here; it is
 * replaced only when that is asked for. `not-kept`: this browser stores nothing. `unknown-identity`: no such identity is here.
 * `not-ours`: asked to sign for another account, or for longer than an hour. `worker-ended`: the thread that holds the key is gone.
 */
export type WalletCode = 'insecure-context' | 'no-web-crypto' | 'unreadable' | 'weak-passphrase' | 'wrong-passphrase' | 'bad-backup' | 'identity-exists' | 'not-kept' | 'unknown-identity' | 'not-ours' | 'worker-ended';

export class WalletError extends CiroError<WalletCode> {}
