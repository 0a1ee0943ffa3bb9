import { expect, it } from 'vitest';
import { isRechecked, RECHECK_RATE } from './audit-draw.ts';
import { misjudgedBy, nextOpinion, outcomeOf } from './quorum.ts';
import type { HexHash, NodeId } from '../ids.ts';
import type { OpinionWord } from './quorum.ts';

const verdict = (passed: boolean): OpinionWord['verdict'] => ({ passed, first: passed ? null : { unit: 0, code: 'cells' }, worstOfTau: 0, meanOfTau: 0 });
const nodes: Readonly<Record<string, NodeId>> = { a: 'a'.repeat(40) as NodeId, b: 'b'.repeat(40) as NodeId, c: 'c'.repeat(40) as NodeId };
/** `a+ b- r+`: a passes it, b fails it, the reference run passes it. */
const opinions = (text: string): OpinionWord[] => (text === '' ? [] : text.split(' ').map((word) => ({ auditor: word.startsWith('r') ? 'coordinator' : (nodes[word.charAt(0)] as NodeId), verdict: verdict(word.endsWith('+')) })));

it.each([
  ['', 'undecided', 'auditor', ''],
  ['a+', 'passed', null, ''],
  ['r+', 'passed', null, ''],
  ['a-', 'undecided', 'auditor', ''],
  ['a- b-', 'undecided', 'reference', ''],
  ['a- b+', 'undecided', 'reference', ''],
  ['a- b- r-', 'failed', null, ''],
  // Who passed what two others fail was bought, or does not compute what it says.
  ['a- b+ r-', 'failed', null, 'b'],
  // Two bought auditors against the reference run: nobody is convicted.
  ['a- b- r+', 'undecided', null, ''],
  // One lying auditor: it is told apart, and the worker is paid.
  ['a- b+ r+', 'passed', null, 'a'],
  // No second auditor is to be had.
  ['a- r-', 'failed', null, ''],
  ['a- r+', 'passed', null, 'a'],
  // The coordinator alone convicts nobody, however often it says so.
  ['r-', 'undecided', 'auditor', ''],
  ['r- r- r-', 'undecided', 'auditor', ''],
  ['r- a-', 'failed', null, ''],
  ['r- a+', 'undecided', 'auditor', ''],
  ['r- a+ b+', 'undecided', null, ''],
  ['r- a+ b-', 'failed', null, 'a'],
  ['a+ r-', 'undecided', 'auditor', ''],
  ['a+ r- b-', 'failed', null, 'a'],
  ['a+ r+', 'passed', null, ''],
  ['r+ a-', 'passed', null, 'a'],
  // A second answer of the same auditor changes nothing.
  ['a- a-', 'undecided', 'auditor', ''],
  ['a+ a-', 'passed', null, ''],
  ['a- a+ r-', 'failed', null, ''],
  // At most three count.
  ['a- b+ r+ c-', 'passed', null, 'a'],
])('A8: after opinions "%s" the stage is %s and asks next for %s; misjudged by "%s"', (text, outcome, next, misjudged) => {
  const given = opinions(text);
  expect(outcomeOf(given)).toBe(outcome);
  expect(nextOpinion(given)).toBe(next);
  expect(misjudgedBy(given)).toEqual(misjudged === '' ? [] : [nodes[misjudged]]);
});

it('A10: a pass that is near is followed by the reference run; whose fail alone leaves the work unpaid', () => {
  const near = (text: string, far: Partial<OpinionWord['verdict']>): OpinionWord[] => opinions(text).map(({ auditor, verdict: said }) => ({ auditor, verdict: { ...said, ...far } }));
  expect([{ worstOfTau: 1 / 4 }, { worstOfTau: 0.26 }, { meanOfTau: 1 / 64 }, { meanOfTau: 0.016 }].map((far) => nextOpinion(near('a+', far)))).toEqual([null, 'reference', null, 'reference']);
  expect([nextOpinion(near('a+ r+', { worstOfTau: 2 })), nextOpinion(near('r+', { worstOfTau: 2 }))]).toEqual([null, null]);
  expect(outcomeOf(near('a+ r- b+', { worstOfTau: 2 }))).toBe('undecided');
});

it('A8: a passing opinion that is drawn for it is followed by the reference run; one in twenty is', () => {
  expect([nextOpinion(opinions('a+'), true), nextOpinion(opinions('a+ r+'), true), nextOpinion(opinions('r+'), true)]).toEqual(['reference', null, null]);
  const beacons = Array.from({ length: 2_000 }, (_, index) => index.toString(16).padStart(64, '0') as HexHash);
  const rechecked = beacons.filter((beacon) => isRechecked(beacon, 1)).length;
  // 100 expected, four standard deviations of 9.7.
  expect(Math.abs(rechecked - 2_000 * RECHECK_RATE)).toBeLessThan(40);
});

it('A8: nobody is ever convicted without the reference run and one independent auditor, in any sequence of five opinions', () => {
  const words = ['a+', 'a-', 'b+', 'b-', 'c+', 'c-', 'r+', 'r-'];
  let failed = 0;
  const walk = (sequence: readonly string[]): void => {
    if (sequence.length > 0 && outcomeOf(opinions(sequence.join(' '))) === 'failed') {
      failed++;
      expect(sequence).toContain('r-');
      expect(sequence.some((word) => !word.startsWith('r') && word.endsWith('-'))).toBe(true);
    }
    if (sequence.length < 5) for (const word of words) walk([...sequence, word]);
  };
  walk([]);
  expect(failed).toBeGreaterThan(1_000);
});
