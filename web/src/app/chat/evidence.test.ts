import { describe, expect, it } from 'vitest';
import { servedBy } from './evidence.ts';

const WORKER = 'a3'.repeat(20);
const BODY = {
  status: 'recorded',
  stages: [{ worker: WORKER, layers: [0, 30], engine: 'wasm', link: 'none', ms_per_token: { p50: 7.9, p95: 9 }, units: [{ from: 0, to: 16 }, { from: 16, to: 20 }], receipts: [{ signer: WORKER, valid: true }, { signer: 'coordinator', valid: false }] }],
  disagreements: [],
  ledger: { debit: '49250000000000000000', fee: '1231250000000000000', credits: [] },
};

describe('servedBy', () => {
  it('reads who served and what it cost, to the base unit', () => {
    expect(servedBy(BODY)).toEqual({
      stages: [{ worker: WORKER, layers: [0, 30], engine: 'wasm', link: 'none', tokenMs: 7.9, units: 2, receipts: { valid: 1, all: 2 } }],
      disagreements: 0,
      debit: 49_250_000_000_000_000_000n,
      fee: 1_231_250_000_000_000_000n,
    });
  });

  it('is nothing while the job is not recorded, or for a body of another shape', () => {
    expect(servedBy({ status: 'running', job: 'ab' })).toBeUndefined();
    expect(servedBy({ ...BODY, ledger: { debit: 49.25, fee: '1' } })).toBeUndefined();
    expect(servedBy('<html>')).toBeUndefined();
  });
});
