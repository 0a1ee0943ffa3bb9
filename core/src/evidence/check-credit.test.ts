import { describe, expect, it } from 'vitest';
import { receiptHash } from '../receipt/receipt.ts';
import { checkCredit } from './check-credit.ts';
import type { HexHash, JobId, NodeId } from '../ids.ts';
import type { JobPlan } from '../job/plan.ts';
import type { Acknowledgement, ReceiptBody } from '../receipt/receipt.ts';

const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
const worker = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;

/** Stages of 10, 20 and 30 layers; 20 prompt tokens at 1, an answer at 4 a token, a fee of a tenth. */
function planOf(stages: number): JobPlan {
  const cuts = [0, 10, 30, 60];
  return {
    format: 2,
    network: 'ciro-test',
    job: '1'.repeat(32) as JobId,
    version: 1,
    modelId: hash('5'),
    precision: 'f32',
    stages: Array.from({ length: stages }, (_, index) => ({ worker: worker(index + 1), devicePublicKey: `04${'cd'.repeat(64)}`, layers: [cuts[index] ?? 0, cuts[index + 1] ?? 0], nonce: null })),
    sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    promptHash: hash('6'),
    promptTokens: 20,
    maxTokens: 50,
    stopIds: [],
    quote: { promptToken: '1000', generatedToken: '4000', feeBasisPoints: '1000', hold: '220000' },
    nonces: { coordinator: hash('7'), requester: null },
  };
}

/** Receipts of a stage's units up to a position, and their acknowledgements. */
function work(stage: number, to: number): { readonly units: ReceiptBody[]; readonly acknowledgements: Acknowledgement[] } {
  const units = Array.from({ length: Math.ceil(to / 16) }, (_, unit): ReceiptBody => ({
    ...{ network: 'ciro-test', job: '1'.repeat(32) as JobId, planHash: hash('8'), stage, worker: worker(stage + 1), unit, from: 16 * unit, to: Math.min(to, 16 * unit + 16) },
    ...{ inputHash: hash('1'), payloadHash: hash('2'), linkHash: hash('2') },
  }));
  return { units, acknowledgements: units.map((unit) => ({ receiptHash: receiptHash(unit), signer: worker(stage + 2), signature: 'ab'.repeat(64) })) };
}

// 30 ids after a prompt of 20: 49 positions; 20 x 1000 + 30 x 4000 = 140,000, of which 126,000 for 60 layers: 42,000 for 20.
const HONEST = { amount: '42000', paidPositions: 49, generatedTokens: 30 };

describe('what a worker makes of its credit (SPEC B3)', () => {
  const plan = planOf(3);
  const { units, acknowledgements } = work(1, 49);

  it('the share that the signed quote gives is right, and so is more', () => {
    expect(checkCredit(plan, 1, HONEST, units, acknowledgements, 49)).toEqual({ state: 'right', least: 42_000n });
    // Others were paid for less, so that more is left.
    expect(checkCredit(plan, 1, { ...HONEST, amount: '42500' }, units, acknowledgements, 49)).toEqual({ state: 'right', least: 42_000n });
  });

  it('one base unit less is an alarm, with what was due', () => {
    expect(checkCredit(plan, 1, { ...HONEST, amount: '41999' }, units, acknowledgements)).toMatchObject({ state: 'underpaid', what: 'amount', expected: '42000', got: '41999' });
  });

  it('positions that the neighbour acknowledged must be paid', () => {
    const less = { ...HONEST, paidPositions: 33, amount: '30000' };
    expect(checkCredit(plan, 1, less, units, acknowledgements)).toMatchObject({ state: 'underpaid', what: 'positions', expected: '49', got: '33', message: 'the neighbour acknowledged 49 positions of stage 1 and 33 are paid' });
  });

  it('a unit that nobody acknowledged proves nothing', () => {
    expect(checkCredit(plan, 1, { ...HONEST, paidPositions: 32, amount: '31015' }, units, acknowledgements.slice(0, 2)).state).toBe('right');
    const other = acknowledgements.map((each) => ({ ...each, receiptHash: hash('f') }));
    expect(checkCredit(plan, 1, { amount: '0', paidPositions: 0, generatedTokens: 30 }, units, other).state).toBe('right');
  });

  it('an answer is not shorter than the worker was told, or than where its last unit was cut', () => {
    const short = { amount: '41000', paidPositions: 48, generatedTokens: 29 };
    expect(checkCredit(plan, 1, short, units, acknowledgements)).toMatchObject({ state: 'underpaid', what: 'tokens', expected: '30', got: '29' });
    const full = work(1, 48);
    expect(checkCredit(plan, 1, { ...short, generatedTokens: 28, paidPositions: 47 }, full.units, full.acknowledgements, 48)).toMatchObject({ what: 'tokens', expected: '29', got: '28' });
  });

  it('what the ring computed beyond a stop is not due (SPEC U1)', () => {
    // A full unit that was closed before the client stopped the answer at position 40.
    const full = work(1, 48);
    const stopped = { amount: '31200', paidPositions: 40, generatedTokens: 21 };
    expect(checkCredit(plan, 1, stopped, full.units, full.acknowledgements, 40)).toEqual({ state: 'right', least: 31_200n });
  });

  it('in a plan of one stage the coordinator is the neighbour, and own units count', () => {
    const alone = planOf(1);
    const own = work(0, 49);
    expect(checkCredit(alone, 0, { ...HONEST, amount: '126000' }, own.units, [])).toEqual({ state: 'right', least: 126_000n });
    expect(checkCredit(alone, 0, { ...HONEST, amount: '126000', paidPositions: 48 }, own.units, [])).toMatchObject({ what: 'positions' });
  });

  it('a worker that did nothing is due nothing', () => {
    expect(checkCredit(plan, 1, { amount: '0', paidPositions: 0, generatedTokens: 30 }, [], [])).toEqual({ state: 'right', least: 0n });
  });
});
