import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { leavesAt, sameRequestOf } from './check-link.ts';
import { differs, wrong } from './report.ts';
import type { Link } from './check-link.ts';
import type { Evidence } from './evidence.ts';
import type { WrongElement } from './report.ts';

/**
 * The job was rightly done again: a stage of it did not stand its audit, and the next job keeps only ids from before that, on other
 * workers, and is the same request otherwise (SPEC M7, PROTOCOL 7).
 */
export function correctionOf(link: Link): WrongElement | undefined {
  const { job, next, at, nextAt } = link;
  return (
    differs(`${at}.corrected_by`, next.job, job.corrected_by, 'the next job') ??
    differs(`${nextAt}corrects`, job.job, next.corrects, 'the job before') ??
    sameRequestOf(link, job.plan.signed.plan.quote.promptToken) ??
    keptOf(link) ??
    othersOf(link)
  );
}

/** The prompt, and of the answer the ids that were drawn before the first bad unit. */
function keptOf(link: Link): WrongElement | undefined {
  const { job, next, nextAt } = link;
  const at = leavesAt(link);
  if (at >= 0) return wrong(`${nextAt}prompt_ids[${at}]`, [...job.prompt_ids, ...job.token_ids][at] ?? 'no more ids', next.prompt_ids[at], 'ids of the job before');
  const kept = next.prompt_ids.length - job.prompt_ids.length;
  const bad = badStages(job).flatMap((stage) => job.audits.find((each) => each.stage === stage)?.opinions.flatMap(({ verdict }) => verdict.first?.unit ?? []) ?? []);
  const good = Math.max(0, Math.max(0, ...bad) * UNIT_POSITIONS - (job.prompt_ids.length - 1));
  return kept >= 0 && kept <= good ? undefined : wrong(`${nextAt}prompt_ids`, `${job.prompt_ids.length} to ${job.prompt_ids.length + good} ids`, next.prompt_ids.length, 'ids that were drawn before the first bad unit');
}

function othersOf({ job, next, nextAt }: Link): WrongElement | undefined {
  const bad = badStages(job);
  if (bad.length === 0) return wrong(`${nextAt}corrects`, 'null', next.corrects, 'every stage of that job stood its audit');
  const again = next.stages.findIndex(({ worker }) => bad.some((stage) => job.stages[stage]?.worker === worker));
  return again < 0 ? undefined : wrong(`${nextAt}stages[${again}].worker`, 'a worker that had not failed the answer', next.stages[again]?.worker, 'who does it again');
}

const badStages = ({ stages, assurance }: Evidence): number[] => stages.flatMap(({ audit_status: status }, index) => (status === 'failed' || (status === 'unpaid' && assurance === 'checked') ? [index] : []));
