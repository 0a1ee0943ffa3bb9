import { isNear } from './near-verdict.ts';
import type { NodeId } from '../ids.ts';
import type { Opinion } from './transcript.ts';

/** Opinions a stage gets at most: the drawn auditor's, another's, and the reference run's (SPEC A8). */
export const MAX_OPINIONS = 3;
/** Failing opinions that convict, if the reference run's is one of them (SPEC A8). */
export const CONVICTING_OPINIONS = 2;

/** What the quorum looks at. */
export type OpinionWord = Pick<Opinion, 'auditor' | 'verdict'>;

/**
 * What the opinions on one stage amount to, in the order in which they were given (SPEC A8):
 * `passed`: nobody fails it, or one auditor alone does and the reference run refutes it. `failed`: 2 of at most 3 fail it, the
 * reference run among them; so neither two bought auditors nor the coordinator alone can convict. `undecided`: anything else; when
 * no further opinion is to be had, the work is unpaid and nothing follows.
 */
export function outcomeOf(opinions: readonly OpinionWord[]): 'passed' | 'failed' | 'undecided' {
  const counted = firstOfEach(opinions);
  if (counted.length === 0) return 'undecided';
  const failing = counted.filter(({ verdict }) => !verdict.passed);
  if (failing.length === 0) return 'passed';
  if (convicts(failing)) return 'failed';
  return misjudgedBy(counted).length > 0 ? 'passed' : 'undecided';
}

/**
 * Whose opinion is needed next; null when the matter is decided, or as decided as it gets. `rechecked`: from `isRechecked`. A pass that
 * is near is looked at again in the same way (SPEC A10).
 */
export function nextOpinion(opinions: readonly OpinionWord[], rechecked = false): 'auditor' | 'reference' | null {
  const counted = firstOfEach(opinions);
  const [first] = counted;
  if (first === undefined) return 'auditor';
  if ((rechecked || isNear(first.verdict)) && counted.length === 1 && first.verdict.passed && first.auditor !== 'coordinator') return 'reference';
  if (counted.length >= MAX_OPINIONS || outcomeOf(counted) !== 'undecided') return null;
  const independent = counted.filter(({ auditor }) => auditor !== 'coordinator').length;
  if (independent < MAX_OPINIONS - 1) return 'auditor';
  return 'reference';
}

/**
 * Auditors whose failing opinion nobody shared although the reference run was among those asked, and auditors that passed what a
 * quorum then failed (SPEC A8): they lose their pay and one in their audit record.
 */
export function misjudgedBy(opinions: readonly OpinionWord[]): NodeId[] {
  const counted = firstOfEach(opinions);
  const failing = counted.filter(({ verdict }) => !verdict.passed);
  if (convicts(failing)) return counted.flatMap(({ auditor, verdict }) => (verdict.passed && auditor !== 'coordinator' ? [auditor] : []));
  const [only] = failing;
  if (only === undefined || failing.length > 1 || only.auditor === 'coordinator') return [];
  return counted.some(({ auditor, verdict }) => auditor === 'coordinator' && verdict.passed) ? [only.auditor] : [];
}

const convicts = (failing: readonly OpinionWord[]): boolean => failing.length >= CONVICTING_OPINIONS && failing.some(({ auditor }) => auditor === 'coordinator');

/** A second answer of the same auditor changes nothing (SPEC A4). */
function firstOfEach(opinions: readonly OpinionWord[]): OpinionWord[] {
  const seen = new Set<string>();
  return opinions.filter(({ auditor }) => !seen.has(auditor) && seen.add(auditor) !== undefined).slice(0, MAX_OPINIONS);
}
