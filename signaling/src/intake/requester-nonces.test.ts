import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { RequesterNonces } from './requester-nonces.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';

const job = '1'.repeat(32) as JobId;
const NONCE = 'ab'.repeat(32);
const COMMITMENT = createHash('sha256').update(NONCE, 'hex').digest('hex') as HexHash;

function setup(commitment: HexHash | null = COMMITMENT) {
  const given: string[] = [];
  const nonces = new RequesterNonces({ requesterNonce: (_job, nonce) => given.push(nonce) === 1 });
  nonces.expect(job, 'ada', commitment);
  return { nonces, given };
}
const codeOf = (work: () => void): string => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'taken';
};

it('A1, A2: the nonce is taken once, after every root is in, and only the one that was committed to', () => {
  const { nonces, given } = setup();
  expect(codeOf(() => nonces.open(job, NONCE))).toBe('nonce_too_early');
  nonces.auditing(job);
  expect(codeOf(() => nonces.open(job, 'cd'.repeat(32)))).toBe('nonce_mismatch');
  expect(given).toEqual([]);
  expect(codeOf(() => nonces.open(job, NONCE))).toBe('taken');
  expect(codeOf(() => nonces.open(job, NONCE))).toBe('nonce_too_late');
});

it('without a commitment none is taken, and after the job none either', () => {
  const { nonces } = setup(null);
  expect(codeOf(() => nonces.open(job, NONCE))).toBe('nonce_unexpected');
  nonces.forget(job);
  expect(codeOf(() => nonces.open(job, NONCE))).toBe('nonce_too_late');
});

it('a job is known to the account that asked, and to nobody else', () => {
  const { nonces } = setup();
  expect([nonces.knows(job, 'ada'), nonces.knows(job, 'bob')]).toEqual([true, false]);
});
