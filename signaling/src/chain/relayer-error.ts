import { CiroError } from '@ciro/core/errors.ts';

/** Codes that SNIP-29 has a number for. */
export type SnipCode =
  | 'invalid-address'
  | 'token-not-supported'
  | 'invalid-signature'
  | 'class-hash-not-supported'
  | 'execution-error'
  | 'invalid-time-bounds'
  | 'invalid-deployment-data'
  | 'invalid-class-hash'
  | 'invalid-id';

/** Why a request is not sponsored: the SNIP calls all of these UNKNOWN_ERROR (163). */
export type RefusalCode =
  | 'call-not-allowed'
  | 'too-many-calls'
  | 'calldata-too-long'
  | 'address-quota'
  | 'client-quota'
  | 'daily-stop'
  | 'ticket-needed'
  | 'not-built'
  | 'payload-swapped'
  | 'already-executed'
  | 'wrong-chain'
  | 'gas-spike'
  | 'queue-full'
  | 'no-sender'
  | 'closing'
  | 'node-unavailable'
  | 'bad-node-answer'
  | 'upstream-unavailable'
  | 'upstream-refused'
  | 'upstream-lied';

/** What a node says to a transaction that was handed in; never shown to a client. */
export type SubmitCode = 'nonce-refused' | 'submit-refused';

/** What keeps a relayer from starting. */
export type SetupCode = 'bad-policy' | 'bad-options';

export type RelayerCode = SnipCode | RefusalCode | SubmitCode | SetupCode;

/** Base of all that goes wrong in the relayer. Messages carry no key, no header and no signature; node texts are cut to `MAX_REASON`. */
export class RelayerError extends CiroError<RelayerCode> {}

export const refuse = (code: RelayerCode, message: string, fields: Record<string, unknown> = {}): RelayerError => new RelayerError(code, message, { fault: 'user', fields });
