import { CiroError } from '@ciro/core/errors.ts';

/** Why an auditor does not finish an audit; `code` travels in `audit-refused`. None of it is held against anybody (SPEC A4). */
export type AuditRefusal =
  | 'busy'
  | 'not-measured'
  | 'paused'
  | 'placed'
  | 'unknown-model'
  | 'wrong-layers'
  | 'over-memory'
  | 'bad-piece'
  | 'timed-out'
  | 'engine-failed';

/** `cancelled`: nobody waits for it any more, so nobody is told. */
export class AuditorError extends CiroError<AuditRefusal | 'cancelled'> {}
