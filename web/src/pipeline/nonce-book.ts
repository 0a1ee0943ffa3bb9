import { nonceBytesToSign, nonceCommitment, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { MAX_NONCE_COMMITMENTS, NONCE_BYTES } from '@ciro/core/protocol/limits.ts';
import { StageError } from './stage-error.ts';
import { jobKey } from './stage-job.ts';
import { MAX_NONCES_IN_USE, NONCES_CROSSING, NONCES_LOW } from './stage-limits.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';

interface Unused {
  readonly nonce: string;
  /** Counts the commitments of this connection. */
  readonly order: number;
}

/** The root that this worker posted for a job. */
export interface PostedRoot {
  readonly network: string;
  readonly planHash: HexHash;
  readonly root: string;
}

interface InUse {
  readonly job: JobId;
  readonly stage: number;
  readonly stages: number;
  readonly commitment: HexHash;
  readonly nonce: string;
  /** Set at the job's end. */
  posted: PostedRoot | undefined;
  /** Hash of the roots that it was opened to. */
  openedTo: HexHash | undefined;
}

/** What a worker says when it opens a nonce, and the bytes that its device key signs for it (SPEC A2). */
export interface OpenedNonce {
  readonly nonce: string;
  readonly rootsHash: HexHash;
  readonly bytes: Uint8Array;
}

/**
 * This worker's part in the audit draw: nonces whose hashes the coordinator holds, one for each plan, opened only after the
 * job's roots are fixed (SPEC A1, A2). Unused ones end with their connection; those of jobs may be opened over the next.
 */
export class NonceBook {
  readonly #randomHex: (bytes: number) => string;
  readonly #unused = new Map<HexHash, Unused>();
  readonly #inUse = new Map<string, InUse>();
  #given = 0;

  /** `randomHex(n)`: n unpredictable bytes in hex. */
  constructor(randomHex: (bytes: number) => string) {
    this.#randomHex = randomHex;
  }

  /** A new connection knows nothing of what was given before: a whole list of fresh commitments, in the order of their use. */
  renew(): HexHash[] {
    this.#unused.clear();
    this.#given = 0;
    return this.#more();
  }

  /** Commitments to give in addition: none while NONCES_LOW are left with the coordinator, or before the first `renew`. */
  topUp(): HexHash[] {
    return this.#given === 0 || this.#unused.size >= NONCES_LOW ? [] : this.#more();
  }

  /**
   * Uses up the commitment that a signed plan names for its stage (SPEC P2). Plans that are signed at the same time may
   * cross, so one of the next few is as good as the next; each is used once, and none of them is known to anybody yet.
   *
   * @throws StageError `wrong-nonce`
   */
  claim(plan: JobPlan, stage: number): void {
    const named = plan.stages[stage]?.nonce ?? null;
    const key = jobKey(plan.job, plan.version);
    // The same plan, offered again after it was refused for lack of room.
    if (named !== null && this.#inUse.get(key)?.commitment === named) return;
    if (named === null && this.#unused.size === 0) return;
    const mine = named === null ? undefined : this.#unused.get(named);
    if (named === null || mine === undefined) {
      const what = named === null ? `names no nonce of this worker, which has given ${this.#unused.size}` : `names nonce ${named}, which is not one of this worker's next`;
      throw new StageError('wrong-nonce', `The plan of job ${plan.job}, version ${plan.version}, ${what}.`, { fault: 'peer', fields: { job: plan.job, version: plan.version } });
    }
    for (const [commitment, { order }] of this.#unused) if (commitment === named || order + NONCES_CROSSING < mine.order) this.#unused.delete(commitment);
    this.#inUse.set(key, { job: plan.job, commitment: named, stage, stages: plan.stages.length, nonce: mine.nonce, posted: undefined, openedTo: undefined });
    for (const oldest of this.#inUse.keys()) {
      if (this.#inUse.size <= MAX_NONCES_IN_USE) break;
      this.#inUse.delete(oldest);
    }
  }

  /** Notes the root that this worker posted: only a list that holds it in its place is answered. */
  rooted(job: JobId, version: number, posted: PostedRoot): void {
    const entry = this.#inUse.get(jobKey(job, version));
    if (entry !== undefined) entry.posted = posted;
  }

  /**
   * Opens a job's nonce to the list of its roots: once a job, and only if this worker's own root stands in its place. Asked
   * again with the same list, as after a broken connection, it says the same again.
   */
  open(job: JobId, version: number, roots: readonly (string | null)[]): OpenedNonce | undefined {
    const entry = this.#inUse.get(jobKey(job, version));
    const posted = entry?.posted;
    if (entry === undefined || posted === undefined || roots.length !== entry.stages || roots[entry.stage] !== posted.root) return undefined;
    const { network, planHash } = posted;
    const { nonce } = entry;
    const rootsHash = rootsHashOf({ network, job, planHash, roots });
    if ([...this.#inUse.values()].some((each) => each.job === job && each.openedTo !== undefined && each.openedTo !== rootsHash)) return undefined;
    entry.openedTo = rootsHash;
    return { nonce, rootsHash, bytes: nonceBytesToSign({ network, job, planHash, rootsHash, nonce }) };
  }

  #more(): HexHash[] {
    const fresh: HexHash[] = [];
    for (let left = MAX_NONCE_COMMITMENTS - this.#unused.size; left > 0; left--) {
      const nonce = this.#randomHex(NONCE_BYTES);
      const commitment = nonceCommitment(nonce);
      this.#unused.set(commitment, { nonce, order: this.#given++ });
      fresh.push(commitment);
    }
    return fresh;
  }
}
