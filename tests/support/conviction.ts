import type { Transcript } from '@ciro/core/audit/transcript.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Answered } from '../../signaling/src/cli/run-question.ts';

/** What the evidence of a cheated job says of the cheat. */
export interface Conviction {
  /** The job whose answer did not stand. */
  readonly evidence: Evidence;
  readonly stage: number;
  readonly worker: string;
  readonly transcript: Transcript;
  readonly credit: string;
  /** Unpaid, and no worker of the answer that stands. */
  readonly holds: boolean;
  /** All that for a person. */
  readonly text: string;
}

/** The first stage that a quorum failed, if there is one. */
export function convictionOf({ evidence, earlier }: Pick<Answered, 'evidence' | 'earlier'>): Conviction | undefined {
  for (const each of [...earlier, evidence]) {
    const stage = each.stages.findIndex(({ audit_status: status }) => status === 'failed');
    const transcript = each.audits.find((audit) => audit.stage === stage);
    const worker = each.stages[stage]?.worker;
    if (transcript === undefined || worker === undefined) continue;
    const credit = each.ledger.credits[stage]?.status ?? 'none';
    const serves = evidence.job !== each.job && evidence.stages.some((other) => other.worker === worker);
    return { evidence: each, stage, worker, transcript, credit, holds: credit === 'void' && !serves && evidence.job !== each.job, text: textOf(each, stage, worker, transcript, credit, evidence) };
  }
  return undefined;
}

function textOf(cheated: Evidence, stage: number, worker: string, { opinions, units }: Transcript, credit: string, standing: Evidence): string {
  const failing = opinions.filter(({ verdict }) => !verdict.passed);
  const first = failing[0]?.verdict.first;
  const element = first == null ? 'nothing' : `${first.code} in unit ${first.unit}${first.position === undefined ? '' : `, position ${first.position}`}${first.channel === undefined ? '' : `, channel ${first.channel}`}${first.got === undefined ? '' : `: ${first.got} instead of ${first.expected ?? '?'}`}`;
  return [
    `stage ${stage + 1} of job ${cheated.job}, worker ${worker.slice(0, 12)}: failed by ${failing.length} of ${opinions.length} opinions over ${units} units (${opinions.map(({ auditor, engine }) => `${auditor === 'coordinator' ? auditor : auditor.slice(0, 12)}, ${engine}`).join('; ')})`,
    `first wrong element: ${element}`,
    `its credit is ${credit}; ${standing.job === cheated.job ? 'nobody answered again' : `job ${standing.job} was answered without it`}`,
  ].join('\n');
}
