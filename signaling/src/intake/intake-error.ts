import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a request is not taken. Codes are those of the OpenAI API where it has one; `param` in the fields names the request's
 * field. `context_length_exceeded` has `context`, `promptTokens`, `maxTokens`; `model_not_found` has `served`.
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
> {}

/** A refusal of the request's own field, in the words that the API shows. */
export function refuseField(code: IntakeError['code'], param: string, message: string, fields: Record<string, unknown> = {}): IntakeError {
  return new IntakeError(code, message, { fault: 'user', fields: { param, ...fields } });
}
