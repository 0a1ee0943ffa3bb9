import { toyEvidence } from './toy-evidence.ts';
import type { Evidence, EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { ToyAuditing, ToyEvidence } from './toy-evidence.ts';
import type { ToyLies, ToyQuestion } from './toy-answer.ts';
import type { ToyNetwork } from './toy-network.ts';

/** What the client adds, left out. */
export const evidenceOnly = ({ request: _request, answer_text: _shown, timings: _timings, earlier: _earlier, ...evidence }: EvidenceFile): Evidence => evidence;

/** Jobs of one answer in order, as a client keeps them: each says which one comes after it, and the request is the first one's. */
export function answerFile(jobs: readonly [EvidenceFile, ...EvidenceFile[]]): EvidenceFile {
  const last = jobs.at(-1) ?? jobs[0];
  const earlier = jobs.slice(0, -1).map((file, index): Evidence => {
    const next = (jobs[index + 1] ?? last).job;
    const evidence = evidenceOnly(file);
    return (jobs[index + 1] ?? last).continues === null ? { ...evidence, corrected_by: next } : { ...evidence, continued_by: next };
  });
  return { ...last, ...(jobs[0].request === undefined ? {} : { request: jobs[0].request }), ...(earlier.length === 0 ? {} : { earlier }) };
}

/** Where a job of an answer is run, and how it ends: to its end when nothing is said. */
export interface Attempt {
  readonly workers: readonly number[];
  readonly lost?: NonNullable<ToyQuestion['lost']>;
  readonly lies?: ToyLies;
}

/** The job that goes on with all ids of a moved one, for a prompt that costs nothing (SPEC G2, M9). */
export function goOn(network: ToyNetwork, question: ToyQuestion, before: ToyEvidence, { lies, ...attempt }: Attempt, auditing: ToyAuditing = {}): Promise<ToyEvidence> {
  return toyEvidence(network, next(network, question, before, before.file.token_ids.length, attempt, true), { ...auditing, continues: before.file.job }, lies);
}

/** The job that does a failed one again from its first bad unit on, at the rates of that one (SPEC M7). */
export function doAgain(network: ToyNetwork, question: ToyQuestion, before: ToyEvidence, { lies, ...attempt }: Attempt, auditing: ToyAuditing = {}): Promise<ToyEvidence> {
  const { audits, prompt_ids: prompt } = before.file;
  const bad = audits.find(({ outcome }) => outcome === 'failed')?.opinions[0]?.verdict.first?.unit ?? 0;
  const free = before.file.plan.signed.plan.quote.promptToken === '0';
  return toyEvidence(network, next(network, question, before, Math.max(0, bad * 16 - (prompt.length - 1)), attempt, free), { ...auditing, corrects: before.file.job }, lies);
}

function next({ model }: ToyNetwork, { lost: _lost, ...question }: ToyQuestion, { file }: ToyEvidence, kept: number, { workers, lost }: Attempt, free: boolean): ToyQuestion {
  const asked = model.tokenizer.encodePrompt(model.template.render(question.messages)).length;
  const ids = [...file.prompt_ids.slice(asked), ...file.token_ids.slice(0, kept)];
  return { ...question, again: { kept: ids, workers, free }, ...(lost === undefined ? {} : { lost }) };
}
