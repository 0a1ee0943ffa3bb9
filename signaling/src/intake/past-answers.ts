import { reusedPositions } from '@ciro/core/job/plan.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ArchivedJob, JobArchive } from '../evidence/job-archive.ts';
import type { AnswerEvent, AnswerHead } from './answer.ts';
import type { StageOutcome } from './ports.ts';

type RecordedJob = Extract<ArchivedJob, { state: 'recorded' }>;

export interface PastDependencies {
  readonly archive: Pick<JobArchive, 'find' | 'continuationOf'>;
  /** What is decided of each stage of a recorded job. */
  readonly stagesOf: (job: JobId, account: string) => Promise<readonly (StageOutcome | 'pending')[]>;
  /** Name of a model. */
  readonly nameOf: (modelId: string) => string;
}

const failed = (message: string) => ({ failure: { message } });
const UNDER_WAY = 'it is not over, and this coordinator does not run it';

/**
 * An answer that is over, as its reader would have been given it, from the record; or why there is none. Undefined when the account has no
 * such job. A correction is not part of it: that is told by the job's events.
 */
export async function pastAnswer({ archive, stagesOf, nameOf }: PastDependencies, job: string, account: string): Promise<{ readonly head: AnswerHead; readonly events: readonly AnswerEvent[] } | { readonly failure: { readonly message: string } } | undefined> {
  const first = await archive.find(job);
  if (first?.account !== account) return undefined;
  if (first.state !== 'recorded') return failed(first.state === 'failed' ? first.failure.message : UNDER_WAY);
  let last: RecordedJob = first;
  while (last.record.finish === 'moved') {
    const next = await archive.continuationOf(last.job);
    const found = next === undefined ? undefined : await archive.find(next);
    if (found?.state !== 'recorded') return failed('a stage was lost, and nobody went on with it; it was paid back: ask again');
    last = found;
  }
  const { finish, promptIds, tokenIds } = last.record;
  if (finish !== 'stop' && finish !== 'length') return failed('it was called off');
  if (first.assurance === 'checked' && !(await stagesOf(first.job, account)).every((status) => status === 'passed')) return failed('it was asked for as checked, and not every stage of it passed an audit; ask again');
  const promptTokens = first.record.promptIds.length;
  return {
    head: { job: first.job, request: { includeUsage: true, assurance: first.assurance }, model: nameOf(first.modelId), createdAt: first.createdAt, promptTokens },
    events: [{ type: 'text', text: last.text }, { type: 'end', finish, completionTokens: promptIds.length + tokenIds.length - promptTokens, cachedTokens: reusedPositions(first.record.signed.plan) }],
  };
}
