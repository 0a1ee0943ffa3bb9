import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { MAX_FRAME_ROWS } from '@ciro/core/protocol/limits.ts';
import { StageError } from './stage-error.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { FrameRefusal } from './stage-error.ts';
import type { StageJob } from './stage-job.ts';

/** The state of a job that decides which frame may come next. */
export type ExpectedFrame = Pick<StageJob, 'plan' | 'positions' | 'requested' | 'computed' | 'inputs' | 'isFirst' | 'vocabulary'>;

/**
 * Checks rows from upstream against what may come next: this position and no other, inside the job, whole rows of finite
 * numbers. A generated position comes alone and only after everything before it was computed, because its id was drawn
 * from that. Throws StageError with a FrameRefusal code.
 */
export function checkRowFrame(frame: Frame, job: ExpectedFrame): void {
  const { position, count, payload } = frame;
  const end = position + count;
  if (frame.kind !== 'rows' || job.isFirst) throw refuse('wrong-shape', frame, `is of kind ${frame.kind}, which this stage does not read`);
  if (end > job.positions) throw refuse('past-the-end', frame, `reaches position ${end}; the plan ends at ${job.positions}`);
  if (position !== job.requested) throw refuse('stale-cache', frame, `begins at position ${position}; the next one is ${job.requested}`);
  if (frame.acceptedTo !== position) throw refuse('wrong-acceptance', frame, `accepts ${frame.acceptedTo} positions before position ${position}`);
  const isPrompt = end <= job.plan.promptTokens;
  if (!isPrompt && count !== 1) throw refuse('wrong-shape', frame, `has ${count} rows at generated positions; they come one by one`);
  if (!isPrompt && position !== job.computed) throw refuse('stale-cache', frame, `is generated from position ${position - 1}, which is not computed yet`);
  if (count > MAX_FRAME_ROWS || payload.length !== 4 * count * job.inputs.width) throw refuse('wrong-shape', frame, `has ${payload.length} bytes for ${count} rows of ${job.inputs.width} channels`);
  if (!allFinite(payload)) throw refuse('bad-values', frame, 'holds a value that is not finite');
}

/** Checks an id from the last stage; `known` is what the first stage already has at that position. Returns the id. Throws as `checkRowFrame`. */
export function checkIdFrame(frame: Frame, job: ExpectedFrame, known: number | undefined): number {
  if (frame.kind !== 'ids' || !job.isFirst || frame.count !== 1) throw refuse('wrong-shape', frame, `is of kind ${frame.kind} with ${frame.count}; the first stage reads one id at a time`);
  if (frame.position >= job.positions) throw refuse('past-the-end', frame, `follows position ${frame.position}; the plan ends at ${job.positions}`);
  // The lap that asks for this id has to have left, and only the newest lap has no id yet.
  if (frame.position !== job.computed - 1 || frame.position < job.plan.promptTokens - 1 || known !== NO_ID) {
    throw refuse('stale-cache', frame, `follows position ${frame.position}; ${job.computed} positions are computed`);
  }
  if (frame.acceptedTo !== frame.position) throw refuse('wrong-acceptance', frame, `accepts ${frame.acceptedTo} positions before position ${frame.position}`);
  const id = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0, true);
  if (id >= job.vocabulary) throw refuse('bad-id', frame, `holds id ${id}; the vocabulary has ${job.vocabulary}`);
  return id;
}

/** Naming a job and its frame in every refusal makes a log readable without the frame. */
export function refuse(code: FrameRefusal, frame: Pick<Frame, 'job' | 'planVersion' | 'stage'>, what: string): StageError {
  return new StageError(code, `A frame of job ${frame.job}, version ${frame.planVersion}, from stage ${frame.stage} ${what}; it was dropped.`, {
    fault: 'peer',
    fields: { job: frame.job, version: frame.planVersion },
  });
}

function allFinite(payload: Uint8Array): boolean {
  for (const value of new Float32Array(payload.buffer, payload.byteOffset, payload.length / 4)) if (!Number.isFinite(value)) return false;
  return true;
}
