import { checkCredit } from '@ciro/core/evidence/check-credit.ts';
import { MAX_CREDIT_JOBS, MAX_CREDIT_UNITS } from './audit-limits.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';
import type { CreditWitness } from '../pipeline/stage-ports.ts';
import type { Alarm, CreditMessage } from './alarm.ts';

interface Entry {
  readonly signed: SignedPlan;
  readonly stage: number;
  readonly receipts: Receipt[];
  readonly acknowledgements: Acknowledgement[];
  acceptedTo: number | null;
}

/**
 * Makes this worker's credit again from the signed plan and what its neighbour acknowledged, and says when the coordinator's
 * is less (SPEC B3). Jobs are remembered until their credit came, the oldest forgotten first.
 */
export class CreditBook implements CreditWitness {
  readonly #alarm: (alarm: Alarm) => void;
  readonly #jobs = new Map<string, Entry>();

  constructor(alarm: (alarm: Alarm) => void) {
    this.#alarm = alarm;
  }

  planned(signed: SignedPlan, stage: number): void {
    // A later plan of the same job comes behind it: its units are the ones that will be paid.
    this.#jobs.delete(signed.plan.job);
    this.#jobs.set(signed.plan.job, { signed, stage, receipts: [], acknowledgements: [], acceptedTo: null });
    this.#bound();
  }

  committed(receipt: Receipt): void {
    this.#jobs.get(receipt.body.job)?.receipts.push(receipt);
    this.#bound();
  }

  acknowledged(receipt: Receipt, acknowledgement: Acknowledgement): void {
    this.#jobs.get(receipt.body.job)?.acknowledgements.push(acknowledgement);
  }

  finished(job: JobId, acceptedTo: number): void {
    const entry = this.#jobs.get(job);
    if (entry !== undefined) entry.acceptedTo = acceptedTo;
  }

  /** What the coordinator booked. The first word on a job is judged; what becomes of the credit afterwards hangs on its audit. */
  credited(credit: CreditMessage): void {
    const entry = this.#jobs.get(credit.job);
    if (entry === undefined || credit.status === 'void') return;
    this.#jobs.delete(credit.job);
    const { signed, stage, receipts, acknowledgements, acceptedTo } = entry;
    const verdict = checkCredit(signed.plan, stage, credit, receipts.map(({ body }) => body), acknowledgements, acceptedTo ?? 0);
    if (verdict.state === 'right') return;
    const { what, expected, got, message } = verdict;
    this.#alarm({ kind: what === 'positions' ? 'dropped-receipt' : 'underpaid', job: credit.job, message, expected, got, proof: { signed, stage, receipts, acknowledgements, acceptedTo, credit } });
  }

  #bound(): void {
    let units = 0;
    for (const { receipts } of this.#jobs.values()) units += receipts.length;
    for (const [job, { receipts }] of this.#jobs) {
      if ((this.#jobs.size <= MAX_CREDIT_JOBS && units <= MAX_CREDIT_UNITS) || this.#jobs.size === 1) return;
      this.#jobs.delete(job);
      units -= receipts.length;
    }
  }
}
