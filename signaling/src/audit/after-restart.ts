import { misjudgedBy } from '@ciro/core/audit/quorum.ts';
import { withheldShare } from '@ciro/core/audit/audit-rate.ts';
import type { Transcript } from '@ciro/core/audit/transcript.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { AuditMoney, AuditStore, Standings } from './ports.ts';
import { auditPay } from './settle-stage.ts';

/** What is done with the credit of a stage whose audit the last process did not finish. */
export interface LateDecision {
  readonly stage: number;
  readonly worker: NodeId;
  readonly decision: 'payable' | 'unpaid' | 'failed';
  /** Why, for a person. */
  readonly note: string;
}

/**
 * Decides the stages of a job whose credits were still pending at a start. A transcript decides as it would have. Without one
 * there are no rows any more: the worker is paid, since a restart is the operator's doing, but its record does not grow by it
 * (n stays). Work without a root is unpaid, as it would have been.
 */
export function pendingAfterRestart(record: JobRecord, transcripts: readonly Transcript[]): LateDecision[] {
  return record.stages.map(({ worker, root, units }, stage): LateDecision => {
    const transcript = transcripts.findLast((each) => each.stage === stage);
    if (transcript !== undefined) return { stage, worker, decision: transcript.outcome === 'passed' ? 'payable' : transcript.outcome, note: 'the coordinator restarted after the audit' };
    if (root === undefined || units.length === 0) return { stage, worker, decision: 'unpaid', note: 'no root that holds was posted for this stage' };
    return { stage, worker, decision: 'payable', note: 'the coordinator restarted before the draw, or in the middle of the audit' };
  });
}

/** Books `pendingAfterRestart` of a job; again changes nothing. Returns what was decided, for the record. */
export async function settleAfterRestart(deps: { readonly standings: Standings; readonly money: AuditMoney; readonly store: AuditStore }, record: JobRecord): Promise<readonly LateDecision[]> {
  const { standings, money, store } = deps;
  const { job } = record.signed.plan;
  const transcripts = await store.transcriptsOf(job);
  const decisions = pendingAfterRestart(record, transcripts);
  for (const { opinions, stage, units } of transcripts) {
    const positions = record.stages[stage]?.units[units - 1]?.receipt.body.to ?? 0;
    const unshared = misjudgedBy(opinions);
    for (const { audit, auditor } of opinions) if (auditor !== 'coordinator' && !unshared.includes(auditor)) await money.auditPaid(audit, job, auditor, auditPay(record, stage, positions));
  }
  for (const { worker, decision } of decisions) {
    const { passed, demotedAt } = await standings.of(worker);
    if (decision === 'payable') await money.payable(job, worker, withheldShare(passed, await money.stake(job, worker)));
    else if (decision === 'unpaid') await money.unpaid(job, worker);
    else {
      if (demotedAt === null) await standings.failed(worker);
      await money.failed(job, [worker]);
    }
  }
  return decisions;
}
