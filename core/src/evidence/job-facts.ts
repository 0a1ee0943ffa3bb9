import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { NO_ID } from '../commitment/unit-hashes.ts';
import { firstUnitOf, planHashOf, reusedPositions } from '../job/plan.ts';
import type { HexHash } from '../ids.ts';
import type { JobPlan } from '../job/plan.ts';
import type { Evidence, EvidenceFile, EvidenceRequest, EvidenceUnit } from './evidence.ts';

/** What the checks of one piece of evidence share: the plan, its hash as made anew, and which id was where. */
export interface JobFacts {
  readonly evidence: Evidence;
  /** What the client asked and was shown, if the file says so. */
  readonly request: EvidenceRequest | undefined;
  readonly answerText: string | undefined;
  /** The first job of the answer: the first one in the file; undefined when that does another again, or goes on from it. */
  readonly origin: Evidence | undefined;
  readonly plan: JobPlan;
  /** Made from the plan, never read from the evidence. */
  readonly planHash: HexHash;
  /** Positions that the prompt and the answer take; units may cover more after a stop (SPEC P3). */
  readonly positions: number;
  readonly hidden: number;
  /** Positions of the prefix that the plan names, and number of the first unit: what lies before is of earlier jobs (SPEC V2). */
  readonly reused: number;
  readonly firstUnit: number;
  /** Ids in the order of their positions: prompt, answer, surplus. */
  readonly ids: readonly number[];
}

/** Facts of the last job of a file, whose answer the client was shown. */
export function jobFactsOf(file: EvidenceFile): JobFacts {
  const { request, answer_text: answerText, earlier = [], timings: _own, ...evidence } = file;
  return { ...factsOf(evidence), request, answerText, origin: earlier[0] ?? (evidence.corrects === null && evidence.continues === null ? evidence : undefined) };
}

/** A job before the last one that was gone on from: all its ids are in the answer (SPEC G2). */
export interface Part {
  /** Its place in `earlier`. */
  readonly index: number;
  readonly facts: JobFacts;
}

export function partsOf({ earlier = [], ...last }: EvidenceFile): readonly Part[] {
  const [origin] = earlier;
  return earlier.flatMap((job, index) => (goesOn(job, earlier[index + 1] ?? last) ? [{ index, facts: { ...factsOf(job), origin } }] : []));
}

/** Whether a job goes on from the one before it in a file; else it does that one again. */
export const goesOn = (job: Evidence, next: Evidence): boolean => next.continues !== null || (next.corrects === null && job.continued_by === next.job);

/** Facts of evidence by itself. */
export function factsOf(evidence: Evidence): JobFacts {
  const { plan } = evidence.plan.signed;
  const positions = evidence.token_ids.length === 0 ? 0 : evidence.prompt_ids.length + evidence.token_ids.length - 1;
  return {
    evidence,
    request: undefined,
    answerText: undefined,
    origin: undefined,
    plan,
    planHash: planHashOf(plan),
    positions,
    hidden: evidence.manifest.architecture.hidden,
    reused: reusedPositions(plan),
    firstUnit: firstUnitOf(plan),
    ids: [...evidence.prompt_ids, ...evidence.token_ids, ...evidence.surplus_ids],
  };
}

/** Path of the first job of an answer, before the names of its fields. */
export const originAt = (evidence: Evidence, origin: Evidence): string => (origin === evidence ? '' : 'earlier[0].');

/** A stage of a moved job whose worker left without a root: nothing binds it to its work, which is unpaid (SPEC G2, M9). */
export const isLost = ({ evidence: { finish_reason: reason, stages } }: JobFacts, stage: number): boolean => reason === 'moved' && stages[stage]?.root === null;

/** Ids as they are fed, committed and hashed: little-endian uint32. */
export function idBytes(ids: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * ids.length));
  ids.forEach((id, index) => view.setUint32(4 * index, id, true));
  return new Uint8Array(view.buffer);
}

export const idsHash = (ids: readonly number[]): HexHash => toHex(sha256(idBytes(ids))) as HexHash;

/** Ids that stage 0 was given in a unit; undefined where it reaches past the known ones. */
export const fedIds = ({ ids }: JobFacts, { from, to }: Pick<EvidenceUnit, 'from' | 'to'>): readonly number[] | undefined => (to <= ids.length ? ids.slice(from, to) : undefined);

/** Ids that followed each position of a unit, `NO_ID` inside the prompt (SPEC U4); undefined where they are not known. */
export function followingIds({ ids, evidence }: JobFacts, { from, to }: Pick<EvidenceUnit, 'from' | 'to'>): readonly number[] | undefined {
  if (to >= ids.length) return undefined;
  return Array.from({ length: to - from }, (_, index) => (from + index < evidence.prompt_ids.length - 1 ? NO_ID : (ids[from + index + 1] ?? NO_ID)));
}
