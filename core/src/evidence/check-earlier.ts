import { continuationOf } from './check-continuation.ts';
import { correctionOf } from './check-correction.ts';
import { checkAudited, checkJob } from './check-job.ts';
import { checkAnswerText } from './check-text.ts';
import { factsOf, goesOn, partsOf } from './job-facts.ts';
import { differs, failed, notChecked, ok } from './report.ts';
import { asPart } from './report-part.ts';
import type { JobPorts } from './check-job.ts';
import type { TextPort } from './check-text.ts';
import type { Evidence, EvidenceFile } from './evidence.ts';
import type { Check, WrongElement } from './report.ts';

const NAME = 'earlier jobs';

/**
 * Each earlier job of the answer was rightly done again or gone on from. Ids of one that was gone on from are in the answer, so
 * everything is checked of it that is checked of the last job; of one that was done again, what shows why (SPEC G2, M7).
 */
export async function checkEarlier(file: EvidenceFile, ports: JobPorts & { readonly text?: TextPort }): Promise<Check[]> {
  const { earlier = [], ...last } = file;
  const [first] = earlier;
  if (first === undefined) return [aloneOf(last)];
  const checks: Check[] = [];
  for (const part of partsOf(file)) checks.push(...asPart(part, file, 'evidence', await checkJob(part.facts, ports, [checkAnswerText(part.facts, ports.text)])));
  const before = checks.some(({ state }) => state === 'failed');
  const element = before ? undefined : (firstOf(first) ?? (await linksOf(earlier, last, ports)));
  if (element !== undefined) return [...checks, failed(NAME, element)];
  return before ? checks : [...checks, ok(NAME, wordsOf(earlier, last))];
}

function aloneOf({ corrects, continues }: Evidence): Check {
  const missing = corrects ?? continues;
  if (missing === null) return ok(NAME, 'the answer is of one job');
  return notChecked(NAME, `the evidence of job ${missing}, which this one ${corrects === null ? 'goes on from' : 'does again'}, is not in the file`);
}

const firstOf = ({ corrects, continues }: Evidence): WrongElement | undefined =>
  differs('earlier[0].corrects', null, corrects, 'the job that was asked first') ?? differs('earlier[0].continues', null, continues, 'the job that was asked first');

async function linksOf(earlier: readonly Evidence[], last: Evidence, ports: JobPorts): Promise<WrongElement | undefined> {
  for (const [index, job] of earlier.entries()) {
    const next = earlier[index + 1] ?? last;
    const at = `earlier[${index}]`;
    const link = { job, next, at, nextAt: index + 1 < earlier.length ? `earlier[${index + 1}].` : '' };
    const element = goesOn(job, next) ? continuationOf(link) : ((await auditedOf(job, at, ports)) ?? correctionOf(link));
    if (element !== undefined) return element;
  }
  return undefined;
}

async function auditedOf(job: Evidence, at: string, ports: JobPorts): Promise<WrongElement | undefined> {
  const own = (await checkAudited(factsOf(job), ports)).find((check) => check.state === 'failed');
  return own === undefined ? undefined : { ...own.wrong, at: `${at}.${own.wrong.at}` };
}

function wordsOf(earlier: readonly Evidence[], last: Evidence): string {
  const moves = [...earlier.slice(1), last].filter(({ continues }) => continues !== null).length;
  const again = earlier.length - moves;
  return [
    ...(moves === 0 ? [] : [`the answer moved ${times(moves)}, with all its ids`]),
    ...(again === 0 ? [] : [`${again} earlier ${again === 1 ? 'answer was' : 'answers were'} done again from the first bad unit on, by other workers`]),
  ].join('; ');
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
