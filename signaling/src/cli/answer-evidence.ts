import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Door } from './ask.ts';

export class EvidenceError extends CiroError<'not-recorded'> {}

/** Roots and acknowledgements are waited for at most 10 s after the last token; then the job is settled. */
const EVIDENCE_TIMEOUT_MS = 20_000;
const POLL_MS = 100;

/** Evidence of every job that an answer went through. */
export interface AnswerEvidence {
  /** Of the last job, whose answer stands. */
  readonly evidence: Evidence;
  /** Of the jobs before it, the one that was asked first: done again, or gone on from. */
  readonly earlier: readonly Evidence[];
}

/**
 * Follows the job that was asked to the one that stands, with the pieces that were looked at. What did an answer again counts
 * before what had gone on with it. Throws `not-recorded` when one of them has no evidence in time.
 */
export async function answerEvidence(door: Door, asked: string, signal: AbortSignal): Promise<AnswerEvidence> {
  const earlier: Evidence[] = [];
  for (let evidence = await evidenceOf(door, asked, signal); ; ) {
    const next = nextOf(evidence);
    if (next === null) return { evidence, earlier };
    earlier.push(evidence);
    evidence = await evidenceOf(door, next, signal);
  }
}

const nextOf = ({ corrected_by: again, continued_by: on }: Evidence): string | null => again ?? on;

/** A job that moved is shown once it says where to, or when nothing went on with it in time. */
async function evidenceOf({ baseUrl, apiKey }: Door, job: string, signal: AbortSignal): Promise<Evidence> {
  const deadline = performance.now() + EVIDENCE_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${baseUrl}/jobs/${job}/evidence?pieces=1`, { headers: { authorization: `Bearer ${apiKey}` }, signal });
    const body: unknown = await response.json();
    const late = performance.now() > deadline;
    if (response.status === 200) {
      const evidence = v.parse(Evidence, body);
      if (late || evidence.finish_reason !== 'moved' || nextOf(evidence) !== null) return evidence;
    } else if (late) throw new EvidenceError('not-recorded', `job ${job} has no evidence after ${EVIDENCE_TIMEOUT_MS / 1000} s: HTTP ${response.status} ${JSON.stringify(body).slice(0, 300)}`, { fault: 'platform', fields: { job } });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
