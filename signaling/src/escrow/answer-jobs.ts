import type { JobId } from '@ciro/core/ids.ts';
import type { EscrowedJob } from '@ciro/core/settlement/escrow.ts';
import type { ArchivedJob, JobArchive } from '../evidence/job-archive.ts';

type Recorded = Extract<ArchivedJob, { state: 'recorded' }>;

/** Recorded jobs of an answer in their order, from the one that was asked: each goes on from the one before it, or does it again. */
export async function answerJobs(archive: Pick<JobArchive, 'find' | 'correctionOf' | 'continuationOf'>, first: JobId): Promise<readonly Recorded[]> {
  const jobs: Recorded[] = [];
  for (let job: JobId | undefined = first; job !== undefined; ) {
    const archived = await archive.find(job);
    if (archived?.state !== 'recorded') break;
    jobs.push(archived);
    job = (await archive.correctionOf(job)) ?? (await archive.continuationOf(job));
  }
  return jobs;
}

/** What a result's root is made of (SPEC N6). */
export const rootsOf = ({ job, record }: Recorded): EscrowedJob => ({ job, planHash: record.planHash, roots: record.stages.map(({ root }) => root?.root ?? null) });
