import { rateFor } from '../audit/settle-stage.ts';
import { Disputes } from './disputes.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { EvidenceDesk } from '../evidence/evidence-desk.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Workers } from '../scheduler/workers-port.ts';
import type { Standings } from '../standing/standings.ts';
import type { DisputesDeps, DisputesOptions } from './disputes.ts';

/** Where convicted workers are brought, and how it is watched. */
export type CoordinatorDisputesOptions = Pick<DisputesDeps, 'court' | 'pool'> & DisputesOptions & Partial<Pick<DisputesDeps, 'onEvent'>>;

export interface CoordinatorDisputesDeps extends Pick<DisputesDeps, 'store' | 'onError'> {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'restored'>;
  readonly standings: Pick<Standings, 'acquitted'>;
  readonly evidence: Pick<EvidenceDesk, 'find'>;
  readonly archive: Pick<JobArchive, 'find'>;
  readonly workers: Pick<Workers, 'send'>;
  /** The operator's own audit rate, if it has one. */
  readonly auditRate: number | undefined;
}

/** Disputes of a coordinator, not started yet. */
export function coordinatorDisputes({ court, pool, onEvent, ...options }: CoordinatorDisputesOptions, deps: CoordinatorDisputesDeps): Disputes {
  const { clock, store, ledger, standings, evidence, archive, workers, auditRate, onError } = deps;
  return new Disputes(
    {
      clock, court, pool, store, onError,
      onEvent: (event) => onEvent?.(event),
      async evidenceOf(job) {
        const archived = await archive.find(job);
        if (archived === undefined) return { why: 'the record of its job is gone' };
        const answer = await evidence.find(job, archived.account, { pieces: true });
        if (answer.state === 'recorded') return answer.evidence;
        return answer.state === 'failed' ? { why: answer.failure.message } : undefined;
      },
      restored: (job, worker) => ledger.restored(job, worker),
      async acquitted(worker, name, staysDemoted) {
        const standing = await standings.acquitted(worker, name, staysDemoted);
        const { passed, successfulAudits, failedAudits, demotedAt } = standing;
        workers.send(worker, { type: 'standing', nodeId: worker, passed, successfulAudits, failedAudits, auditRate: rateFor(standing, auditRate === undefined ? undefined : () => auditRate), state: demotedAt === null ? 'active' : 'demoted' });
      },
    },
    options,
  );
}
