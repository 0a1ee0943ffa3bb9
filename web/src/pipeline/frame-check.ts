import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { MAX_DRAFTS, MAX_FRAME_ROWS } from '@ciro/core/protocol/limits.ts';
import { StageError } from './stage-error.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { FrameRefusal } from './stage-error.ts';
import type { StageJob } from './stage-job.ts';

/** The state of a job that decides which frame may come next. */
export type ExpectedFrame = Pick<StageJob, 'plan' | 'positions' | 'reused' | 'requested' | 'computed' | 'certain' | 'lapFrom' | 'drafts' | 'draftedAt' | 'inputs' | 'isFirst' | 'isLast' | 'vocabulary'>;

/**
 * Checks rows from upstream against what may come next: of a prompt this position and no other; of generated ones a lap's first row and its
 * drafts, from a position on at which drafts of the lap before may have been rejected; inside the job, whole rows of finite
 * numbers. A lap comes only after everything before it was computed, because its id was drawn from that. Throws StageError with a FrameRefusal code.
 */
export function checkRowFrame(frame: Frame, job: ExpectedFrame): void {
  const { position, count, payload } = frame;
  const end = position + count;
  if (frame.kind !== 'rows' || job.isFirst) throw refuse('wrong-shape', frame, `is of kind ${frame.kind}, which this stage does not read`);
  if (end > job.positions) throw refuse('past-the-end', frame, `reaches position ${end}; the plan ends at ${job.positions}`);
  const { promptTokens } = job.plan;
  const isPrompt = position < promptTokens;
  if (isPrompt ? position !== job.requested : position > job.requested) throw refuse('stale-cache', frame, `begins at position ${position}; the next one is ${job.requested}`);
  if (!isPrompt && position < job.certain) throw refuse('stale-cache', frame, `begins at position ${position}; positions below ${job.certain} are accepted and never computed again`);
  if (frame.acceptedTo !== position) throw refuse('wrong-acceptance', frame, `accepts ${frame.acceptedTo} positions before position ${position}`);
  if (isPrompt && end > promptTokens) throw refuse('wrong-shape', frame, `reaches from the prompt to generated position ${end - 1}; they come apart`);
  if (position < job.reused && end > job.reused) throw refuse('wrong-shape', frame, `reaches from the prefix to position ${end - 1}; they come apart`);
  if (!isPrompt && count > 1 + MAX_DRAFTS) throw refuse('wrong-shape', frame, `has ${count} rows at generated positions; one and at most ${MAX_DRAFTS} drafts`);
  if (!isPrompt && job.computed !== job.requested) throw refuse('stale-cache', frame, `is generated from position ${position - 1}, which is not computed yet`);
  if (count > MAX_FRAME_ROWS || payload.length !== 4 * count * job.inputs.width) throw refuse('wrong-shape', frame, `has ${payload.length} bytes for ${count} rows of ${job.inputs.width} channels`);
  if (!allFinite(payload)) throw refuse('bad-values', frame, 'holds a value that is not finite');
}

/**
 * Checks the ids that close a lap: one, and one more for each draft that is right; `known` is what the first stage already has at that position.
 * Returns the ids. Throws as `checkRowFrame`.
 */
export function checkIdFrame(frame: Frame, job: ExpectedFrame, known: number | undefined): Uint32Array {
  if (frame.kind !== 'ids' || !job.isFirst || frame.count > 1 + job.drafts.length) throw refuse('wrong-shape', frame, `is of kind ${frame.kind} with ${frame.count}; the first stage reads one id and as many as it drafted (${job.drafts.length})`);
  if (frame.position >= job.positions) throw refuse('past-the-end', frame, `follows position ${frame.position}; the plan ends at ${job.positions}`);
  // The lap that asks for these ids has to have left, and only the newest lap has no id yet.
  if (frame.position !== job.lapFrom || job.computed !== job.requested || frame.position < job.plan.promptTokens - 1 || known !== NO_ID) {
    throw refuse('stale-cache', frame, `follows position ${frame.position}; ${job.computed} positions are computed`);
  }
  if (frame.acceptedTo !== frame.position) throw refuse('wrong-acceptance', frame, `accepts ${frame.acceptedTo} positions before position ${frame.position}`);
  const ids = idsOf(frame);
  const stranger = ids.find((id) => id >= job.vocabulary);
  if (stranger !== undefined) throw refuse('bad-id', frame, `holds id ${stranger}; the vocabulary has ${job.vocabulary}`);
  const wrong = ids.subarray(0, -1).findIndex((id, index) => id !== job.drafts[index]);
  if (wrong >= 0) throw refuse('bad-id', frame, `accepts id ${ids[wrong]} after position ${frame.position + wrong}, where ${job.drafts[wrong]} was drafted`);
  return ids;
}

/**
 * Checks drafts from the first stage, which only the last one reads: one frame a lap, of the next lap or one that is over. Returns them. They
 * decide nothing but how many ids a lap gives. Throws StageError `bad-drafts`.
 */
export function checkDraftFrame(frame: Frame, job: ExpectedFrame): Uint32Array {
  const { position, count } = frame;
  const refused = (what: string): StageError => refuse('bad-drafts', frame, `holds drafts that ${what}`);
  if (frame.kind !== 'drafts' || job.isFirst || !job.isLast) throw refused('only the last stage of several reads');
  if (position + 1 + count > job.positions) throw refused(`reach position ${position + count}; the plan ends at ${job.positions}`);
  if (position < job.plan.promptTokens || position > job.computed) throw refused(`follow position ${position}; the next lap begins at ${job.computed}`);
  if (position <= job.draftedAt) throw refused(`follow position ${position}, and others came that follow ${job.draftedAt}`);
  if (frame.acceptedTo !== position) throw refused(`accept ${frame.acceptedTo} positions before position ${position}`);
  const ids = idsOf(frame);
  const stranger = ids.find((id) => id >= job.vocabulary);
  if (stranger !== undefined) throw refused(`name id ${stranger}; the vocabulary has ${job.vocabulary}`);
  return ids;
}

function idsOf({ payload, count }: Frame): Uint32Array {
  const view = new DataView(payload.buffer, payload.byteOffset);
  return Uint32Array.from({ length: count }, (_, index) => view.getUint32(4 * index, true));
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
