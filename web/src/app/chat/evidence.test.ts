import { describe, expect, it } from 'vitest';
import { isDecided, isLinked, jobAfter, jobBefore, servedBy } from './evidence.ts';

const WORKER = 'a3'.repeat(20);
const BODY = {
  status: 'recorded',
  stages: [{ worker: WORKER, layers: [0, 30], engine: 'wasm', link: 'none', ms_per_token: { p50: 7.9, p95: 9 }, audit_status: 'passed', units: [{ from: 0, to: 16 }, { from: 16, to: 20 }], receipts: [{ signer: WORKER, valid: true }, { signer: 'coordinator', valid: false }] }],
  disagreements: [],
  audits: [{ stage: 0, opinions: [{ auditor: 'b4'.repeat(20), independent: true, verdict: { passed: true } }] }],
  assurance: 'stream',
  corrected_by: null,
  continued_by: null,
  finish_reason: 'stop',
  prompt_tokens: 12,
  text: 'Paris.',
  ledger: { debit: '49250000000000000000', fee: '1231250000000000000', credits: [] },
};

describe('servedBy', () => {
  it('reads who served and what it cost, to the base unit', () => {
    expect(servedBy(BODY)).toEqual({
      stages: [{ worker: WORKER, layers: [0, 30], engine: 'wasm', link: 'none', tokenMs: 7.9, units: 2, receipts: { valid: 1, all: 2 }, audit: 'passed', auditors: [{ id: 'b4'.repeat(20), independent: true, passed: true }] }],
      disagreements: 0,
      debit: 49_250_000_000_000_000_000n,
      fee: 1_231_250_000_000_000_000n,
      assurance: 'stream',
      correctedBy: undefined,
      continuedBy: undefined,
      moved: false,
      promptTokens: 12,
      text: 'Paris.',
    });
  });

  it('is decided when no stage waits for its audit, and a failed one was put right', () => {
    const as = (status: string, correctedBy: string | null) => servedBy({ ...BODY, stages: [{ ...BODY.stages[0], audit_status: status }], corrected_by: correctedBy });
    const decided = (status: string, correctedBy: string | null) => isDecided(as(status, correctedBy) ?? expect.fail('no evidence'));
    expect(decided('pending', null)).toBe(false);
    expect(decided('passed by', null)).toBe(true);
    expect(decided('failed', null)).toBe(false);
    expect(decided('failed', 'cd'.repeat(16))).toBe(true);
  });

  it('is decided after a move when it says which job goes on', () => {
    const moved = (link: object) => servedBy({ ...BODY, finish_reason: 'moved', ...link }) ?? expect.fail('no evidence');
    expect([isDecided(moved({})), isLinked(moved({}))]).toEqual([false, false]);
    const [on, again] = ['cd'.repeat(16), 'ef'.repeat(16)];
    expect([isDecided(moved({ continued_by: on })), jobAfter(moved({ continued_by: on }))]).toEqual([true, on]);
    // What did it again replaces what had gone on with it.
    expect(jobAfter(moved({ continued_by: on, corrected_by: again }))).toBe(again);
  });

  it('names the job before: which it puts right, or goes on from', () => {
    const [on, again] = ['cd'.repeat(16), 'ef'.repeat(16)];
    expect(jobBefore({ corrects: null, continues: on })).toBe(on);
    expect(jobBefore({ corrects: again, continues: null })).toBe(again);
    expect([jobBefore({ corrects: null, continues: null }), jobBefore('<html>')]).toEqual([undefined, undefined]);
  });

  it('is nothing while the job is not recorded, or for a body of another shape', () => {
    expect(servedBy({ status: 'running', job: 'ab' })).toBeUndefined();
    expect(servedBy({ ...BODY, ledger: { debit: 49.25, fee: '1' } })).toBeUndefined();
    expect(servedBy('<html>')).toBeUndefined();
  });
});
