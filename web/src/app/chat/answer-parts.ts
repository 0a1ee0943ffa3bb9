import { formatCount } from '../figures.ts';
import { isLinked, jobAfter, type ServedBy, type ServedStage } from './evidence.ts';

/** A job whose ids are in the answer, and who served it. */
export interface AnswerPart {
  readonly job: string;
  readonly served: ServedBy;
  /** Tokens of the answer before its own. */
  readonly after: number;
}

/**
 * The jobs whose ids stand in an answer, in order, from the one that was asked first; as far as they are known. The evidence of
 * the last one stands for the whole answer.
 */
export function answerParts(known: ReadonlyMap<string, ServedBy>, first: string | undefined): readonly AnswerPart[] {
  const parts: AnswerPart[] = [];
  const origin = first === undefined ? undefined : known.get(first);
  const seen = new Set<string>();
  for (let job = first; job !== undefined && !seen.has(job); ) {
    seen.add(job);
    const served = known.get(job);
    if (served === undefined || origin === undefined) break;
    // What was put right is not in the answer any more.
    if (served.correctedBy === undefined) parts.push({ job, served, after: Math.max(0, served.promptTokens - origin.promptTokens) });
    job = jobAfter(served);
  }
  return parts;
}

/** True when the last job is known: before that nothing is to be verified. */
export const isWhole = (parts: readonly AnswerPart[]): boolean => {
  const last = parts.at(-1);
  return last !== undefined && isLinked(last.served) && jobAfter(last.served) === undefined;
};

export const stagesOf = (parts: readonly AnswerPart[]): readonly ServedStage[] => parts.flatMap(({ served }) => served.stages);

/** What the answer cost, in base units: each of its jobs is charged for its own tokens. */
export const costOf = (parts: readonly AnswerPart[]): bigint => parts.reduce((sum, { served }) => sum + served.debit, 0n);

/** `, moved to other tabs after 37 tokens`; nothing for an answer of one piece. */
export function movesText(parts: readonly AnswerPart[]): string {
  const moves = parts.slice(1).map(({ after }) => formatCount(after));
  return moves.length === 0 ? '' : `, moved to other tabs after ${moves.join(' and ')} ${moves.at(-1) === '1' ? 'token' : 'tokens'}`;
}

/** `Tokens 38 to 80`: which tokens of the answer are a part's own; nothing for an answer of one piece. */
export function partText(parts: readonly AnswerPart[], index: number): string {
  const [part, next] = [parts[index], parts[index + 1]];
  if (part === undefined || parts.length < 2) return '';
  if (next === undefined) return `From token ${formatCount(part.after + 1)} on`;
  if (part.after === 0) return next.after === 1 ? 'The first token' : `The first ${formatCount(next.after)} tokens`;
  return part.after + 1 === next.after ? `Token ${formatCount(next.after)}` : `Tokens ${formatCount(part.after + 1)} to ${formatCount(next.after)}`;
}
