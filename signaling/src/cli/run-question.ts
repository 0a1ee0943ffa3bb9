import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { ask } from './ask.ts';
import type { Coordinator } from '../main.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { Question } from './ask.ts';

export class EvidenceError extends CiroError<'not-recorded'> {}

/** Roots and acknowledgements are waited for at most 5 s after the last token; then the job is settled. */
const EVIDENCE_TIMEOUT_MS = 15_000;
const POLL_MS = 100;

const Settled = v.looseObject({ status: v.literal('recorded') });

/** Asks through the API, streams the answer to stdout, and gives the job's evidence once it is settled. */
export async function runQuestion(coordinator: Coordinator, question: Omit<Question, 'baseUrl' | 'apiKey'>, signal: AbortSignal): Promise<Evidence> {
  const baseUrl = `${coordinator.url}/v1`;
  const answer = await ask({ ...question, baseUrl, apiKey: coordinator.trialKey }, (piece) => process.stdout.write(piece), signal);
  process.stdout.write('\n');
  const deadline = performance.now() + EVIDENCE_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${baseUrl}/jobs/${answer.job}/evidence`, { headers: { authorization: `Bearer ${coordinator.trialKey}` }, signal });
    const body: unknown = await response.json();
    // The coordinator is this program's own, so its evidence is typed where it is made; only its state is asked here.
    if (response.status === 200 && v.is(Settled, body)) return body as unknown as Evidence;
    if (performance.now() > deadline) throw new EvidenceError('not-recorded', `job ${answer.job} has no evidence after ${EVIDENCE_TIMEOUT_MS / 1000} s: HTTP ${response.status} ${JSON.stringify(body).slice(0, 300)}`, { fault: 'platform', fields: { job: answer.job } });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
