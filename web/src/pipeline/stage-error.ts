import { CiroError } from '@ciro/core/errors.ts';

/** Why a plan is answered with `stage-refused` (FLOW: the stage signs and computes nothing for it). */
export type PlanRefusal =
  | 'not-ready'
  | 'unsigned-plan'
  | 'wrong-network'
  | 'not-mine'
  | 'wrong-model'
  | 'wrong-layers'
  | 'stale-version'
  | 'wrong-nonce'
  | 'wrong-prompt'
  | 'prefix-gone'
  | 'past-the-context'
  | 'over-memory'
  | 'too-many-jobs'
  | 'no-link';

/** Why a frame is dropped. The job it names goes on if it can; other jobs are never touched. */
export type FrameRefusal =
  | 'bad-frame'
  | 'unknown-job'
  | 'wrong-sender'
  | 'not-started'
  | 'stale-cache'
  | 'wrong-shape'
  | 'wrong-acceptance'
  | 'past-the-end'
  | 'bad-values'
  | 'bad-id'
  | 'inbox-full'
  | 'bad-receipt'
  | 'bad-acknowledgement'
  | 'bad-head'
  | 'bad-drafts'
  | 'late-drafts';

/** Why a job stops on this stage although plan and frames were in order. */
export type StageFailure = 'stage-failed' | 'replaced' | 'no-link' | 'flooded' | 'evicted';

/** Everything a stage refuses or fails with; `code` travels in `stage-refused` and `fault`. */
export class StageError extends CiroError<PlanRefusal | FrameRefusal | StageFailure> {}
