import { createHash, timingSafeEqual } from 'node:crypto';
import { IntakeError } from './intake-error.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { Audits } from './ports.ts';

/** After the last token: roots and acknowledgements take about so long, and only then a nonce may be opened. */
const RETRY_AFTER_MS = 1_000;

interface Expected {
  readonly account: string;
  readonly commitment: HexHash | null;
  auditing: boolean;
}

/** Nonces of requesters for the audit draws of the jobs under way: who may open which, and when (SPEC A1, A2). */
export class RequesterNonces {
  readonly #audits: Pick<Audits, 'requesterNonce'>;
  readonly #expected = new Map<string, Expected>();

  constructor(audits: Pick<Audits, 'requesterNonce'>) {
    this.#audits = audits;
  }

  /** A job begins; its plan names the commitment. */
  expect(job: JobId, account: string, commitment: HexHash | null): void {
    this.#expected.set(job, { account, commitment, auditing: false });
  }

  /** Every root of the job is in: from here on its nonce may be opened. */
  auditing(job: JobId): void {
    const expected = this.#expected.get(job);
    if (expected !== undefined) expected.auditing = true;
  }

  forget(job: JobId): void {
    this.#expected.delete(job);
  }

  /** Whether the job is under way for this account; another account's job is as one that never was. */
  knows(job: string, account: string): boolean {
    return this.#expected.get(job)?.account === account;
  }

  /** Opens a nonce (32 bytes, hex) of a job that `knows` knows. Throws `nonce_unexpected`, `nonce_mismatch`, `nonce_too_early`, `nonce_too_late`. */
  open(job: JobId, nonce: string): void {
    const expected = this.#expected.get(job);
    if (expected === undefined) throw tooLate(job);
    const { commitment, auditing } = expected;
    const fields = { param: 'nonce', job };
    if (commitment === null) throw new IntakeError('nonce_unexpected', `job ${job} was asked without ciro.nonce_commitment, so its draw takes no nonce; send the commitment with the request`, { fault: 'user', fields });
    const hash = createHash('sha256').update(nonce, 'hex').digest();
    if (!timingSafeEqual(hash, Buffer.from(commitment, 'hex'))) {
      throw new IntakeError('nonce_mismatch', `the nonce hashes to ${hash.toString('hex')}, job ${job} was asked with the commitment ${commitment}; send the 32 bytes that were committed to`, { fault: 'user', fields });
    }
    if (!auditing) throw new IntakeError('nonce_too_early', `job ${job} is not recorded yet: a nonce opened before every root is fixed could be used against its owner; wait for the event "recorded"`, { fault: 'user', fields: { ...fields, retryAfterMs: RETRY_AFTER_MS } });
    if (!this.#audits.requesterNonce(job, nonce)) throw tooLate(job);
  }
}

/** The draw does not wait for ever, and takes one nonce once. */
export function tooLate(job: string): IntakeError {
  return new IntakeError('nonce_too_late', `the draw of job ${job} is made, or has its nonce already; the evidence shows which nonces it was made with`, { fault: 'user', fields: { param: 'nonce', job } });
}
