import { expect, test } from 'vitest';
import { nonceBytesToSign, nonceCommitment, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { MAX_NONCE_COMMITMENTS } from '@ciro/core/protocol/limits.ts';
import { NonceBook } from './nonce-book.ts';
import { MAX_NONCES_IN_USE, NONCES_CROSSING, NONCES_LOW } from './stage-limits.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';

const NETWORK = 'ciro-test';
const PLAN_HASH = 'ab'.repeat(32) as HexHash;
const ROOTS = ['0x1', '0x2', null];
const jobAt = (index: number): JobId => index.toString(16).padStart(32, '0') as JobId;

/** As much of a plan as a nonce book reads: this worker has stage 1 of three. */
const planOf = (job: number, nonce: HexHash | null, version = 1): JobPlan => ({ job: jobAt(job), version, stages: [{ nonce: null }, { nonce }, { nonce: null }] }) as unknown as JobPlan;

function setup() {
  let random = 0;
  const book = new NonceBook((bytes) => (++random).toString(16).padStart(2 * bytes, '0'));
  return { book, given: book.renew() };
}

const claim = (book: NonceBook, plan: JobPlan) => () => book.claim(plan, 1);
const refusal = expect.objectContaining({ code: 'wrong-nonce', fault: 'peer' });

test('A1, P2: a plan uses one of the commitments that were given, once; any other is refused, and so is none', () => {
  const { book, given } = setup();
  expect(given).toHaveLength(MAX_NONCE_COMMITMENTS);
  expect(new Set(given).size).toBe(MAX_NONCE_COMMITMENTS);
  book.claim(planOf(1, given[0] ?? null), 1);
  expect(claim(book, planOf(2, given[0] ?? null))).toThrow(refusal);
  expect(claim(book, planOf(2, 'cd'.repeat(32) as HexHash))).toThrow(refusal);
  expect(claim(book, planOf(2, null))).toThrow(refusal);
  book.claim(planOf(2, given[1] ?? null), 1);
  // Offered again after it was refused for another reason.
  book.claim(planOf(2, given[1] ?? null), 1);
});

test('P2: a worker that has given none takes a plan that names none', () => {
  const book = new NonceBook(() => '00');
  book.claim(planOf(1, null), 1);
  expect(book.topUp()).toEqual([]);
});

test('P2: plans that were signed at the same time may cross; a commitment far behind the newest is not taken any more', () => {
  const { book, given } = setup();
  const at = (index: number) => given[index] ?? null;
  book.claim(planOf(1, at(NONCES_CROSSING)), 1);
  book.claim(planOf(2, at(0)), 1);
  book.claim(planOf(3, at(NONCES_CROSSING + 3)), 1);
  expect(claim(book, planOf(4, at(2)))).toThrow(refusal);
  book.claim(planOf(4, at(3)), 1);
});

test('A1: more are given when few are left, those that were never used included; a new connection begins anew', () => {
  const { book, given } = setup();
  for (let index = 0; index < MAX_NONCE_COMMITMENTS - NONCES_LOW; index++) {
    expect(book.topUp()).toEqual([]);
    book.claim(planOf(index, given[index] ?? null), 1);
  }
  expect(book.topUp()).toEqual([]);
  book.claim(planOf(1_000, given[MAX_NONCE_COMMITMENTS - NONCES_LOW] ?? null), 1);
  const more = book.topUp();
  expect(more).toHaveLength(MAX_NONCE_COMMITMENTS - NONCES_LOW + 1);
  expect(book.topUp()).toEqual([]);
  // Plans that never came leave a gap; it closes when a later commitment is named.
  const jump = more.at(-1) ?? null;
  book.claim(planOf(1_001, jump), 1);
  expect(book.topUp().length).toBeGreaterThan(NONCES_LOW);
  const anew = book.renew();
  expect(anew).toHaveLength(MAX_NONCE_COMMITMENTS);
  expect(claim(book, planOf(1_002, more[0] ?? null))).toThrow(refusal);
  book.claim(planOf(1_003, anew[0] ?? null), 1);
});

test('A2: a nonce opens to a list with its own root in its place, once a job, over a later connection too', () => {
  const { book, given } = setup();
  const [commitment = null] = given;
  book.claim(planOf(1, commitment), 1);
  expect(book.open(jobAt(1), 1, ROOTS)).toBeUndefined();
  book.rooted(jobAt(1), 1, { network: NETWORK, planHash: PLAN_HASH, root: '0x2' });
  for (const roots of [['0x1', '0x3', null], ['0x2', '0x1', null], ['0x1', null, null], ['0x1', '0x2'], ['0x1', '0x2', null, null], []]) expect(book.open(jobAt(1), 1, roots)).toBeUndefined();
  expect(book.open(jobAt(2), 1, ROOTS)).toBeUndefined();
  expect(book.open(jobAt(1), 2, ROOTS)).toBeUndefined();
  book.renew();
  const opened = book.open(jobAt(1), 1, ROOTS);
  const rootsHash = rootsHashOf({ network: NETWORK, job: jobAt(1), planHash: PLAN_HASH, roots: ROOTS });
  expect(opened?.rootsHash).toBe(rootsHash);
  expect(nonceCommitment(opened?.nonce ?? '')).toBe(commitment);
  expect(opened?.bytes).toEqual(nonceBytesToSign({ network: NETWORK, job: jobAt(1), planHash: PLAN_HASH, rootsHash, nonce: opened?.nonce ?? '' }));
  // The same list again gives the same words; another list nothing, whatever it says of the others.
  expect(book.open(jobAt(1), 1, ROOTS)).toEqual(opened);
  expect(book.open(jobAt(1), 1, ['0x9', '0x2', null])).toBeUndefined();
});

test('A2: a second plan of a job is not opened to other roots', () => {
  const { book, given } = setup();
  for (const version of [1, 2]) {
    book.claim(planOf(1, given[version] ?? null, version), 1);
    book.rooted(jobAt(1), version, { network: NETWORK, planHash: PLAN_HASH, root: '0x2' });
  }
  expect(book.open(jobAt(1), 1, ROOTS)).toBeDefined();
  expect(book.open(jobAt(1), 2, ['0x7', '0x2', null])).toBeUndefined();
});

test('nonces of jobs are kept for the newest only', () => {
  const { book } = setup();
  let given = book.renew();
  for (let job = 0; job <= MAX_NONCES_IN_USE; job++) {
    book.claim(planOf(job, given.shift() ?? null), 1);
    given = [...given, ...book.topUp()];
    book.rooted(jobAt(job), 1, { network: NETWORK, planHash: PLAN_HASH, root: '0x2' });
  }
  expect(book.open(jobAt(0), 1, ROOTS)).toBeUndefined();
  expect(book.open(jobAt(1), 1, ROOTS)).toBeDefined();
});
