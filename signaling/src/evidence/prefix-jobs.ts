import { MAX_PREFIX_JOBS } from '@ciro/core/protocol/limits.ts';
import { reusedPositions } from '@ciro/core/job/plan.ts';
import type { EvidencePrefix } from '@ciro/core/evidence/evidence.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { JobRecord, UnitRecord } from '../scheduler/job-order.ts';
import type { JobArchive } from './job-archive.ts';

/** A recorded job whose units stand for positions `[from, to)` of a later one. */
export interface PrefixPart {
  readonly record: JobRecord;
  readonly from: number;
  readonly to: number;
}

/** The jobs whose caches this plan begins with, the newest first (SPEC V2); those after one that is not on record are left out. */
export async function prefixJobs(plan: JobPlan, archive: Pick<JobArchive, 'find'>): Promise<readonly JobRecord[]> {
  const found: JobRecord[] = [];
  for (let named = plan.prefix; named !== undefined && found.length < MAX_PREFIX_JOBS; named = found.at(-1)?.signed.plan.prefix) {
    const archived = await archive.find(named.job);
    if (archived?.state !== 'recorded' || archived.record.planHash !== named.planHash) break;
    found.push(archived.record);
  }
  return found;
}

/** Which of these jobs stands for which positions; undefined when they do not reach down to position 0. */
export function prefixParts(plan: JobPlan, jobs: readonly JobRecord[]): readonly PrefixPart[] | undefined {
  const parts: PrefixPart[] = [];
  let to = reusedPositions(plan);
  for (const record of jobs) {
    if (to === 0) break;
    const from = Math.min(to, reusedPositions(record.signed.plan));
    parts.push({ record, from, to });
    to = from;
  }
  return to === 0 ? parts : undefined;
}

/** Units of a stage that lie within the part. */
export const unitsWithin = ({ record, from, to }: PrefixPart, stage: number): readonly UnitRecord[] => (record.stages[stage]?.units ?? []).filter(({ receipt: { body } }) => body.from >= from && body.to <= to);

/** As evidence has them: a unit without the neighbour's word is left out, which no choice of a prefix allows (SPEC V2). */
export function evidencePrefix(plan: JobPlan, jobs: readonly JobRecord[]): EvidencePrefix[] {
  return (prefixParts(plan, jobs) ?? []).map((part) => ({
    plan: part.record.signed,
    stages: part.record.stages.map((_, stage) => unitsWithin(part, stage).flatMap(({ receipt, acknowledgement }) => (acknowledgement === undefined ? [] : [{ receipt, acknowledgement }]))),
  }));
}
