import { CiroError } from '@ciro/core/errors.ts';

/** Why a key opens nothing, or may not do what was asked. */
export class AccountError extends CiroError<'missing-key' | 'unknown-key' | 'revoked-key' | 'expired-key' | 'insufficient-scope' | 'bad-key' | 'too-many-keys' | 'no-such-key'> {}
