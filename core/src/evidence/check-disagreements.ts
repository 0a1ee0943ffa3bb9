import { checkOf, wrong } from './report.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check } from './report.ts';

/** Nobody signed that it was given something else (SPEC R2). */
export function checkDisagreements({ evidence }: JobFacts): Check {
  const [first] = evidence.disagreements;
  const element = first === undefined ? undefined : wrong('disagreements[0]', 'none', `${first.by} was given something else than unit ${first.unit} of stage ${first.stage}`, 'two neighbours say different things of one unit');
  return checkOf('disagreements', element, 'no stage disagrees with its neighbour');
}
