import { describe, expect, it } from 'vitest';
import { answerParts, costOf, isWhole, movesText, partText, stagesOf } from './answer-parts.ts';
import type { ServedBy } from './evidence.ts';

const served = (promptTokens: number, change: Partial<ServedBy> = {}): ServedBy => ({
  stages: [{ worker: `tab ${promptTokens}`, layers: [0, 2], engine: 'wasm', link: 'none', tokenMs: 1, units: 1, receipts: { valid: 1, all: 1 }, audit: 'passed', auditors: [] }],
  disagreements: 0, debit: 5n, fee: 1n, assurance: 'stream', correctedBy: undefined, continuedBy: undefined, moved: false, promptTokens, text: '', ...change,
});
const moved = (promptTokens: number, continuedBy?: string, change: Partial<ServedBy> = {}): ServedBy => served(promptTokens, { moved: true, continuedBy, ...change });
const partsOf = (jobs: Record<string, ServedBy>, first = 'a') => answerParts(new Map(Object.entries(jobs)), first);

describe('the parts of an answer', () => {
  it('is one for an answer of one piece, and nothing is said about moves', () => {
    const parts = partsOf({ a: served(10) });
    expect([parts.map(({ job, after }) => [job, after]), movesText(parts), partText(parts, 0), isWhole(parts)]).toEqual([[['a', 0]], '', '', true]);
    expect([partsOf({}), isWhole([]), answerParts(new Map(), undefined)]).toEqual([[], false, []]);
  });

  it('follows the jobs that went on, says after how many tokens, and adds up what they cost', () => {
    const parts = partsOf({ a: moved(10, 'b'), b: moved(47, 'c'), c: served(90) });
    expect(parts.map(({ job, after }) => [job, after])).toEqual([['a', 0], ['b', 37], ['c', 80]]);
    expect([movesText(parts), costOf(parts), isWhole(parts)]).toEqual([', moved to other tabs after 37 and 80 tokens', 15n, true]);
    expect(parts.map((_, index) => partText(parts, index))).toEqual(['The first 37 tokens', 'Tokens 38 to 80', 'From token 81 on']);
    expect(stagesOf(parts).map(({ worker }) => worker)).toEqual(['tab 10', 'tab 47', 'tab 90']);
  });

  it('says it right of one token', () => {
    const parts = partsOf({ a: moved(10, 'b'), b: moved(11, 'c'), c: served(12) });
    expect(parts.map((_, index) => partText(parts, index))).toEqual(['The first token', 'Token 2', 'From token 3 on']);
    expect(movesText(parts.slice(0, 2))).toBe(', moved to other tabs after 1 token');
  });

  it('is not whole while the job that goes on is not recorded', () => {
    expect(isWhole(partsOf({ a: moved(10) }))).toBe(false);
    expect(isWhole(partsOf({ a: moved(10, 'b') }))).toBe(false);
  });

  it('leaves out what was put right, and what had gone on with it', () => {
    const last = partsOf({ a: moved(10, 'b'), b: served(47, { correctedBy: 'c' }), c: served(50) });
    expect(last.map(({ job }) => job)).toEqual(['a', 'c']);
    const first = partsOf({ a: moved(10, 'b', { correctedBy: 'c' }), b: served(47), c: moved(10, 'd'), d: served(30) });
    expect(first.map(({ job, after }) => [job, after])).toEqual([['c', 0], ['d', 20]]);
    expect(isWhole(partsOf({ a: moved(10, 'b'), b: served(47, { correctedBy: 'c' }) }))).toBe(false);
  });

  it('comes to an end whatever a coordinator says', () => {
    expect(partsOf({ a: moved(10, 'b'), b: moved(20, 'a') })).toHaveLength(2);
  });
});
