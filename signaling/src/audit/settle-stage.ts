import { auditRate, withheldShare } from '@ciro/core/audit/audit-rate.ts';
import { isSuspect, suspicionAfter } from '@ciro/core/audit/near-miss.ts';
import type { Opinion } from '@ciro/core/audit/transcript.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobRecord, StageRecord } from '../scheduler/job-order.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { AuditMoney, AuditWorkers, Standing, Standings } from './ports.ts';

export interface SettleDeps {
  readonly workers: Pick<AuditWorkers, 'send'>;
  readonly standings: Standings;
  readonly money: AuditMoney;
}

/** Base units for an audit of `positions` of a stage, at the job's own prompt rate: a prefill of them by its layers alone (SPEC M8). */
export function auditPay(record: JobRecord, stage: number, positions: number): bigint {
  const { quote, stages } = record.signed.plan;
  const [from, to] = stages[stage]?.layers ?? [0, 0];
  const all = stages.at(-1)?.layers[1] ?? 1;
  return (BigInt(quote.promptToken) * BigInt(positions) * BigInt(to - from)) / BigInt(all);
}

/** The rate at which a worker's next stage-job is drawn (SPEC A2, A9); `rateOf` is the operator's, if it has one of its own. */
export function rateFor(standing: Standing, rateOf: (passed: number) => number = auditRate): number {
  return isSuspect(standing.suspicion) ? 1 : rateOf(standing.passed);
}

/** What a decision about a stage does to money and standing, and who is told. Changes of one worker's standing come one after the other. */
export class StageSettlement {
  readonly #deps: SettleDeps;
  readonly #rateOf: (passed: number) => number;
  readonly #order = new OneAtATime<NodeId>();

  constructor(deps: SettleDeps, rateOf: (passed: number) => number = auditRate) {
    this.#deps = deps;
    this.#rateOf = rateOf;
  }

  /** Passed by, or passed: `audited` is the opinion that passed it. The credit is payable (SPEC M7), and the near miss noted (SPEC A9). */
  async passed(job: JobId, { worker, paidPositions }: StageRecord, audited: Pick<Opinion, 'verdict'> | null): Promise<void> {
    // Nothing that is paid is no stage-job: n cannot be raised with it.
    if (paidPositions === 0) return;
    const { standings, money } = this.#deps;
    await this.#order.run(worker, async () => {
      const { passed, suspicion } = await standings.of(worker);
      await money.payable(job, worker, withheldShare(passed, await money.stake(job, worker)));
      const after = await standings.passed(worker, { audited: audited !== null, suspicion: audited === null ? suspicion : suspicionAfter(suspicion, audited.verdict.worstOfTau) });
      this.#tell(worker, after);
    });
  }

  /** Not decided by anybody's fault that can be shown: the credit goes back, and nothing else follows. */
  unpaid(job: JobId, { worker }: Pick<StageRecord, 'worker'>): Promise<void> {
    return this.#deps.money.unpaid(job, worker);
  }

  /** A quorum failed it: demoted first, so that it is placed no more whatever happens to the books meanwhile. */
  async failed(job: JobId, { worker }: Pick<StageRecord, 'worker'>): Promise<void> {
    const { standings, money } = this.#deps;
    await this.#order.run(worker, async () => this.#tell(worker, await standings.failed(worker)));
    await money.failed(job, [worker]);
  }

  /** Auditors are paid for opinions, but for those that nobody shared (SPEC A8, M8). */
  async auditors(job: JobId, opinions: readonly Pick<Opinion, 'audit' | 'auditor'>[], misjudged: readonly NodeId[], amount: bigint): Promise<void> {
    const { standings, money } = this.#deps;
    for (const { audit, auditor } of opinions) {
      if (auditor === 'coordinator') continue;
      if (misjudged.includes(auditor)) await this.#order.run(auditor, async () => this.#tell(auditor, await standings.misjudged(auditor)));
      else await money.auditPaid(audit, job, auditor, amount);
    }
  }

  #tell(worker: NodeId, standing: Standing): void {
    const { passed, successfulAudits, failedAudits, demotedAt } = standing;
    this.#deps.workers.send(worker, { type: 'standing', nodeId: worker, passed, successfulAudits, failedAudits, auditRate: rateFor(standing, this.#rateOf), state: demotedAt === null ? 'active' : 'demoted' });
  }
}
