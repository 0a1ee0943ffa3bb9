import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { CiroError } from '@ciro/core/errors.ts';
import { Evidence } from '@ciro/core/evidence/evidence.ts';
import { apiError, ask } from './ask.ts';
import { followJob } from './follow-job.ts';
import { showWaiting } from './progress.ts';
import type { ChatBody, Door } from './ask.ts';
import type { JobEvent } from './follow-job.ts';
import type { Coordinator } from '../main.ts';

export class EvidenceError extends CiroError<'not-recorded'> {}

/** Roots and acknowledgements are waited for at most 10 s after the last token; then the job is settled. */
const EVIDENCE_TIMEOUT_MS = 20_000;
const POLL_MS = 100;
/** After the answer, for its audits: shards have to be loaded and three stages run again on two shared cores, once more for a correction. */
const AUDIT_WAIT_MS = 300_000;
const NONCE_BYTES = 32;

export interface Question {
  readonly model: string;
  readonly prompt: string;
  readonly system?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly assurance: 'stream' | 'checked';
}

/** An answer with everything that `verify` needs. */
export interface Answered {
  /** What was sent. */
  readonly request: ChatBody;
  /** What the reader was shown in the end. */
  readonly answerText: string;
  /** Evidence of the answer that stands. */
  readonly evidence: Evidence;
  /** Evidence of the jobs that it does again, the one that was asked first; empty for an answer that was right. */
  readonly superseded: readonly Evidence[];
  /** False when the audits were not decided in the time that is waited for them. */
  readonly decided: boolean;
}

/**
 * Asks through the API as any client does, streams the answer to stdout, opens the nonce for the audit draw, waits for the
 * audits (SPEC A1 to A8) and gives the evidence, with the pieces that were looked at.
 */
export async function runQuestion(coordinator: Pick<Coordinator, 'url' | 'trialKey'>, question: Question, signal: AbortSignal): Promise<Answered> {
  const door = { baseUrl: `${coordinator.url}/v1`, apiKey: coordinator.trialKey };
  const nonce = randomBytes(NONCE_BYTES).toString('hex');
  const request = bodyOf(question, nonceCommitment(nonce));
  const over = new AbortController();
  const watch = new AuditWatch(door, nonce, AbortSignal.any([signal, over.signal]));
  try {
    const answer = await ask(door, request, { job: (job) => watch.start(job), text: (piece) => process.stdout.write(piece) }, signal);
    process.stdout.write('\n');
    const decided = await watch.ended(AUDIT_WAIT_MS);
    signal.throwIfAborted();
    const { corrected } = watch;
    if (corrected !== undefined && question.assurance === 'stream') process.stdout.write(`\ncorrected by job ${corrected.job}, from position ${corrected.from_position} on:\n${corrected.text}\n`);
    if (watch.trouble !== undefined) process.stderr.write(`${watch.trouble}\n`);
    const { evidence, superseded } = await chainOf(door, answer.job, signal);
    return { request, answerText: corrected?.text ?? answer.text, evidence, superseded, decided };
  } finally {
    over.abort();
  }
}

/** What the file of an answer holds; `npm run verify -- answer FILE` reads it. */
export function evidenceFile({ evidence, superseded, request, answerText }: Answered, timings: unknown): object {
  return { ...evidence, ...(superseded.length === 0 ? {} : { superseded }), request, answer_text: answerText, timings };
}

function bodyOf({ model, prompt, system, maxTokens, temperature, seed, assurance }: Question, commitment: string): ChatBody {
  const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }];
  return { model, messages, stream: true, max_tokens: maxTokens, temperature, seed, ciro: { assurance, nonce_commitment: commitment } };
}

/** Follows the job beside its answer: a `checked` one only comes when its audits are over, and they want the nonce before. */
class AuditWatch {
  readonly #door: Door;
  readonly #nonce: string;
  readonly #signal: AbortSignal;
  readonly #statuses = new Map<number, string>();
  #stages = 0;
  #following: Promise<void> = Promise.resolve();
  corrected: Extract<JobEvent, { type: 'corrected' }> | undefined;
  /** For the reader: why there is no correction, or no nonce of ours in the draw. */
  trouble: string | undefined;

  constructor(door: Door, nonce: string, signal: AbortSignal) {
    this.#door = door;
    this.#nonce = nonce;
    this.#signal = signal;
  }

  start(job: string): void {
    const waiting = showWaiting();
    const told = (event: JobEvent): void => {
      this.#take(job, event);
      if (this.#stages > 0) waiting.say(`audits: ${this.#statuses.size} of ${this.#stages} stages decided${event.type === 'corrected' || this.corrected ? ', answered again' : ''}`);
    };
    this.#following = followJob(this.#door, job, told, this.#signal).finally(() => waiting[Symbol.dispose]());
    // Who does not wait for the end need not hear of its failure.
    this.#following.catch(() => undefined);
  }

  /** True when the job is over, false when it is not within `timeoutMs`. */
  async ended(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, timeoutMs, false)));
    return Promise.race([this.#following.then(() => true), late]).finally(() => clearTimeout(timer));
  }

  #take(job: string, event: JobEvent): void {
    if (event.type === 'recorded') {
      this.#stages = event.roots.length;
      void this.#open(job);
    } else if (event.type === 'audited') this.#statuses.set(event.stage, event.status);
    else if (event.type === 'corrected') this.corrected = event;
    else if (event.type === 'uncorrected' || event.type === 'failed') this.trouble = event.message;
  }

  async #open(job: string): Promise<void> {
    const { baseUrl, apiKey } = this.#door;
    try {
      const response = await fetch(`${baseUrl}/jobs/${job}/nonce`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` }, body: JSON.stringify({ nonce: this.#nonce }), signal: this.#signal });
      if (!response.ok) this.trouble ??= apiError(response.status, await response.json()).message;
    } catch (error) {
      this.trouble ??= `the nonce could not be opened: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

/** Evidence of the job that was asked and of those that did its answer again, one after the other; the last one stands. */
async function chainOf(door: Door, asked: string, signal: AbortSignal): Promise<Pick<Answered, 'evidence' | 'superseded'>> {
  const superseded: Evidence[] = [];
  for (let evidence = await evidenceOf(door, asked, signal); ; ) {
    if (evidence.corrected_by === null) return { evidence, superseded };
    superseded.push(evidence);
    evidence = await evidenceOf(door, evidence.corrected_by, signal);
  }
}

async function evidenceOf({ baseUrl, apiKey }: Door, job: string, signal: AbortSignal): Promise<Evidence> {
  const deadline = performance.now() + EVIDENCE_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${baseUrl}/jobs/${job}/evidence?pieces=1`, { headers: { authorization: `Bearer ${apiKey}` }, signal });
    const body: unknown = await response.json();
    if (response.status === 200) return v.parse(Evidence, body);
    if (performance.now() > deadline) throw new EvidenceError('not-recorded', `job ${job} has no evidence after ${EVIDENCE_TIMEOUT_MS / 1000} s: HTTP ${response.status} ${JSON.stringify(body).slice(0, 300)}`, { fault: 'platform', fields: { job } });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
