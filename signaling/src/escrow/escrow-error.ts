import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why an escrow is not served (SPEC N3). Codes are those of the API; fields hold what is there and what is wanted. `escrow_differs`: contract and
 * ledger say different things, which nobody but an operator can mend.
 */
export class EscrowError extends CiroError<
  | 'escrow_unsupported'
  | 'escrow_unknown'
  | 'escrow_unconfirmed'
  | 'escrow_not_open'
  | 'escrow_taken'
  | 'escrow_spec_mismatch'
  | 'escrow_model_mismatch'
  | 'escrow_model_unregistered'
  | 'escrow_model_revoked'
  | 'escrow_token_not_served'
  | 'escrow_budget_too_small'
  | 'escrow_deadline_too_near'
  | 'escrow_role_missing'
  | 'escrow_not_started'
  | 'escrow_node_silent'
  | 'escrow_differs'
> {}
