import { randomBytes } from 'node:crypto';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { answerEvidence } from './answer-evidence.ts';
import { apiError, ask } from './ask.ts';
import { followJob } from './follow-job.ts';
import { showWaiting } from './progress.ts';
import type { AnswerEvidence } from './answer-evidence.ts';
import type { ChatBody, Door } from './ask.ts';
import type { JobEvent } from './follow-job.ts';
import type { Coordinator } from '../main.ts';

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
export interface Answered extends AnswerEvidence {
  /** What was sent. */
  readonly request: ChatBody;
  /** What the reader was shown in the end. */
  readonly answerText: string;
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
    for (const { job, from_position: from, message } of watch.moves) process.stderr.write(`moved to other tabs at position ${from}, as job ${job}: ${message}\n`);
    if (watch.trouble !== undefined) process.stderr.write(`${watch.trouble}\n`);
    return { request, answerText: corrected?.text ?? answer.text, ...(await answerEvidence(door, answer.job, signal)), decided };
  } finally {
    over.abort();
  }
}

/** What the file of an answer holds; `npm run verify -- answer FILE` reads it. */
export function evidenceFile({ evidence, earlier, request, answerText }: Answered, timings: unknown): object {
  return { ...evidence, ...(earlier.length === 0 ? {} : { earlier }), request, answer_text: answerText, timings };
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
  /** Where a tab left and others went on. */
  readonly moves: Extract<JobEvent, { type: 'moved' }>[] = [];
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
    else if (event.type === 'moved') this.moves.push(event);
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
