import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a request is not taken, or has no answer. Codes are those of the OpenAI API where it has one; `param` in the fields names
 * the request's field. `context_length_exceeded` has `context`, `promptTokens`, `maxTokens`; `model_not_found` has `served`.
 */
export class IntakeError extends CiroError<
  | 'missing_required_parameter'
  | 'invalid_value'
  | 'unknown_parameter'
  | 'unsupported_parameter'
  | 'empty_prompt'
  | 'context_length_exceeded'
  | 'model_not_found'
  | 'stopping'
  | 'cancelled'
  /** A job that began anew drew another id than the one that was given out already. */
  | 'answer_changed'
  /** A `checked` answer failed its audits and could not be done again; it was not given out and costs nothing. */
  | 'answer_unverified'
  /** The nonce of a job that named no commitment, another nonce than was committed to, or one that comes too soon or too late. */
  | 'nonce_unexpected'
  | 'nonce_mismatch'
  | 'nonce_too_early'
  | 'nonce_too_late'
  /** A quote that does not hold, or is for another request; a price above what the request says it may cost (SPEC M15). `price_above_maximum` has `price`, `maxPrice`. */
  | 'quote_unknown'
  | 'quote_mismatch'
  | 'price_above_maximum'
  /** So many read the events of jobs that no more are let in. */
  | 'too_many_followers'
> {}

/** A refusal of the request's own field, in the words that the API shows. */
export function refuseField(code: IntakeError['code'], param: string, message: string, fields: Record<string, unknown> = {}): IntakeError {
  return new IntakeError(code, message, { fault: 'user', fields: { param, ...fields } });
}
