import { expect, test } from 'vitest';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import { MAX_CREDIT_JOBS, MAX_CREDIT_UNITS } from './audit-limits.ts';
import { CreditBook } from './credit-book.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';
import type { Alarm, CreditMessage } from './alarm.ts';

const HASH = 'ab'.repeat(32) as HexHash;
const jobAt = (index: number): JobId => index.toString(16).padStart(32, '0') as JobId;
const nodeAt = (stage: number): NodeId => String(stage + 1).repeat(40) as NodeId;
const PROMPT_TOKENS = 20;
const GENERATED = 30;
const POSITIONS = PROMPT_TOKENS + GENERATED - 1;

function planOf(job: number, stages = 3): SignedPlan {
  return {
    plan: {
      format: 2, network: 'test', job: jobAt(job), version: 1, modelId: HASH, precision: 'f32',
      stages: Array.from({ length: stages }, (_, stage) => ({ worker: nodeAt(stage), devicePublicKey: `04${'0'.repeat(128)}`, layers: [(stage * 30) / stages, ((stage + 1) * 30) / stages] as [number, number], nonce: null })),
      sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
      promptHash: HASH, promptTokens: PROMPT_TOKENS, maxTokens: 64, stopIds: [], quote: { promptToken: '250', generatedToken: '1000', feeBasisPoints: '250', hold: '100000' }, nonces: { coordinator: HASH, requester: null },
    },
    signature: '0'.repeat(128),
  };
}

const receiptOf = (signed: SignedPlan, unit: number, to = Math.min(POSITIONS, unit * 16 + 16)): Receipt => ({
  body: { network: 'test', job: signed.plan.job, planHash: planHashOf(signed.plan), stage: 1, worker: nodeAt(1), unit, from: unit * 16, to, inputHash: HASH, payloadHash: HASH, linkHash: HASH },
  signature: '1'.repeat(128),
});
const wordOn = (receipt: Receipt): Acknowledgement => ({ receiptHash: receiptHash(receipt.body), signer: nodeAt(2), signature: '2'.repeat(128) });

/** What the plan's quote gives stage 1 when every stage is paid for all positions. */
function rightAmount(signed: SignedPlan): string {
  const { quote, stages } = signed.plan;
  const rates = { promptToken: BigInt(quote.promptToken), generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) };
  return String(charge(rates, PROMPT_TOKENS, GENERATED, stages.map(({ worker, layers: [from, to] }) => ({ worker, layers: to - from, positions: POSITIONS }))).credits[1]?.amount);
}

const creditOf = (signed: SignedPlan, change: Partial<CreditMessage> = {}): CreditMessage => ({
  type: 'credit', job: signed.plan.job, amount: rightAmount(signed), status: 'pending', pendingTotal: '0', payableTotal: '0', withheldTotal: '0', paidPositions: POSITIONS, generatedTokens: GENERATED,
  entry: { sequence: 9, hash: HASH }, ...change,
});

function setup() {
  const alarms: Alarm[] = [];
  return { book: new CreditBook((alarm) => alarms.push(alarm)), alarms };
}

/** A finished job of stage 1, each unit acknowledged by stage 2. */
function work(book: CreditBook, job = 1): SignedPlan {
  const signed = planOf(job);
  book.planned(signed, 1);
  for (let unit = 0; unit * 16 < POSITIONS; unit++) {
    const receipt = receiptOf(signed, unit);
    book.committed(receipt);
    book.acknowledged(receipt, wordOn(receipt));
  }
  book.finished(signed.plan.job, POSITIONS);
  return signed;
}

test('B3: the credit that the signed plan gives is right, and more is no alarm', () => {
  const { book, alarms } = setup();
  book.credited(creditOf(work(book, 1)));
  const second = work(book, 2);
  book.credited(creditOf(second, { amount: String(BigInt(rightAmount(second)) + 1n) }));
  expect(alarms).toEqual([]);
});

test.each([
  ['underpaid', 'one base unit too little', { amount: (right: string) => String(BigInt(right) - 1n) }],
  ['underpaid', 'an answer said to be shorter than the stage saw', { generatedTokens: GENERATED - 1 }],
  ['dropped-receipt', 'a unit that was acknowledged and not paid', { paidPositions: POSITIONS - 16 }],
])('B3: %s: %s is an alarm with everything that proves it', (kind, _what, change) => {
  const { book, alarms } = setup();
  const signed = work(book);
  const { amount } = change as { amount?: (right: string) => string };
  const credit = creditOf(signed, { ...change, amount: amount?.(rightAmount(signed)) ?? rightAmount(signed) } as Partial<CreditMessage>);
  book.credited(credit);
  expect(alarms).toMatchObject([{ kind, job: signed.plan.job, proof: { signed, stage: 1, acceptedTo: POSITIONS, credit } }]);
  const [alarm] = alarms;
  if (alarm?.kind === 'forked-ledger' || alarm === undefined) throw new Error('a credit alarm was expected');
  expect(alarm.proof.receipts).toHaveLength(4);
  expect(alarm.proof.acknowledgements).toHaveLength(4);
  expect(structuredClone(alarm)).toEqual(alarm);
});

test('B3: units that nobody acknowledged prove nothing', () => {
  const { book, alarms } = setup();
  const signed = planOf(1);
  book.planned(signed, 1);
  for (let unit = 0; unit < 4; unit++) {
    const receipt = receiptOf(signed, unit);
    book.committed(receipt);
    if (unit < 3) book.acknowledged(receipt, wordOn(receipt));
  }
  book.finished(signed.plan.job, POSITIONS);
  book.credited(creditOf(signed, { paidPositions: 48 }));
  expect(alarms).toEqual([]);
});

test('a job\'s first credit is judged; what becomes of it afterwards, and jobs that are not known, are not', () => {
  const { book, alarms } = setup();
  const signed = work(book);
  book.credited(creditOf(signed));
  book.credited(creditOf(signed, { amount: '0', status: 'payable' }));
  book.credited(creditOf(planOf(7), { amount: '0' }));
  const voided = work(book, 2);
  book.credited(creditOf(voided, { amount: '0', status: 'void' }));
  expect(alarms).toEqual([]);
});

test('jobs whose credit never comes are forgotten, the oldest first, by number and by units', () => {
  const { book, alarms } = setup();
  for (let job = 0; job <= MAX_CREDIT_JOBS; job++) work(book, job);
  book.credited(creditOf(planOf(0), { amount: '0' }));
  expect(alarms).toEqual([]);
  book.credited(creditOf(planOf(1), { amount: '0' }));
  expect(alarms).toHaveLength(1);
  const long = planOf(1_000);
  book.planned(long, 1);
  for (let unit = 0; unit <= MAX_CREDIT_UNITS; unit++) book.committed(receiptOf(long, unit, unit * 16 + 16));
  book.credited(creditOf(planOf(MAX_CREDIT_JOBS), { amount: '0' }));
  expect(alarms).toHaveLength(1);
});
