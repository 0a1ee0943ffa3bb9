import type { AuditOutcome, Audits, JobToAudit, StageOutcome } from '@ciro/signaling/intake/ports.ts';

/** What becomes of a stage, and of a failed one where it fails. */
export type ScriptedVerdict = StageOutcome | readonly [status: StageOutcome, firstBadPosition: number];

/** Stands where the audit desk is: says of each job what a test wants. Books nothing. */
export class ScriptedAudits implements Audits {
  /** One verdict a stage; stages without one are passed by. */
  verdicts: (job: JobToAudit) => readonly ScriptedVerdict[] = () => [];
  /** Awaited before a job is decided. */
  gate: (job: JobToAudit) => Promise<void> | void = () => undefined;
  readonly considered: JobToAudit[] = [];
  /** Nonces of requesters, by job. */
  readonly nonces = new Map<string, string>();

  async consider(job: JobToAudit): Promise<AuditOutcome> {
    this.considered.push(job);
    await this.gate(job);
    const verdicts = this.verdicts(job);
    const stages = job.record.stages.map((_, stage) => {
      const verdict = verdicts[stage] ?? 'passed by';
      const [status, firstBadPosition] = typeof verdict === 'string' ? [verdict, null] : verdict;
      job.onStage?.(stage, status);
      return { status, firstBadPosition };
    });
    return { stages };
  }

  requesterNonce(job: string, nonce: string): boolean {
    if (this.nonces.has(job)) return false;
    this.nonces.set(job, nonce);
    return true;
  }
}
