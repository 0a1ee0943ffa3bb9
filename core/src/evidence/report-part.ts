import { ok } from './report.ts';
import type { EvidenceFile } from './evidence.ts';
import type { Part } from './job-facts.ts';
import type { Check } from './report.ts';

/**
 * Checks of an earlier job as lines of the whole report, under the job's number: `what`, for all that hold, and each of the others,
 * with the path from the file's root.
 */
export function asPart({ index }: Part, { earlier = [] }: EvidenceFile, what: string, checks: readonly Check[]): Check[] {
  const job = `job ${index + 1} of ${earlier.length + 1}`;
  const holding = checks.filter(({ state }) => state === 'ok').length;
  const rest = checks.flatMap((check): Check[] => {
    if (check.state === 'ok') return [];
    const name = `${job}: ${check.name}`;
    return [check.state === 'failed' ? { ...check, name, wrong: { ...check.wrong, at: `earlier[${index}].${check.wrong.at}` } } : { ...check, name }];
  });
  return [ok(`${job}: ${what}`, `${holding} checks hold of the job that was gone on from`), ...rest];
}
