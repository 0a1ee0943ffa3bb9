import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { JobRecord, StageRecord } from '../scheduler/job-order.ts';
import { AuditError } from './audit-error.ts';
import { drawStages } from './draw-stages.ts';
import { StageJudge } from './judge-stage.ts';
import { Reveal } from './reveal.ts';
import { RowsInUse } from './rows-in-use.ts';
import { auditPay } from './settle-stage.ts';
import { stageBytes, stageCase } from './stage-case.ts';
import { supplyStage } from './supply.ts';
import type { Admission } from './audit-gate.ts';
import type { Judgement, JudgeDeps } from './judge-stage.ts';
import type { AuditMoney, AuditStore, Standings } from './ports.ts';
import type { StageSettlement } from './settle-stage.ts';
import type { StageCase } from './stage-case.ts';
import type { StagePieces } from './supply.ts';

export type StageStatus = 'passed by' | 'passed' | 'failed' | 'unpaid';

/** A recorded and settled job, to be drawn and audited. */
export interface JobToAudit {
  readonly record: JobRecord;
  readonly assurance: 'stream' | 'checked';
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The jobs whose caches it began with, the newest first (SPEC V4). */
  readonly prefix?: readonly JobRecord[];
  /** Hears of each stage as it is decided and its money booked. */
  readonly onStage?: (stage: number, status: StageStatus) => void;
}

export interface StageResult {
  readonly status: StageStatus;
  /** Where the first bad unit of a failed stage begins. */
  readonly firstBadPosition: number | null;
}

export type JobAuditDeps = JudgeDeps & {
  readonly standings: Standings;
  readonly store: AuditStore;
  readonly settlement: StageSettlement;
  readonly onError: (error: unknown) => void;
  readonly money: Pick<AuditMoney, 'stake'>;
  readonly rateOf: (passed: number, stake: Stake) => number;
};

/** One job, from its roots to the last decided stage: reveal, draw, and for each drawn stage supply, opinions, transcript, money. */
export class JobAudit {
  readonly #deps: JobAuditDeps;
  readonly #job: JobToAudit;
  readonly #manifest: ModelManifest;
  readonly #admission: Admission;
  readonly #signal: AbortSignal;
  readonly reveal: Reveal;

  /** Shows the roots. `requester`: its nonce, if it came already. */
  constructor(deps: JobAuditDeps, about: { job: JobToAudit; manifest: ModelManifest; admission: Admission; requester: string | null }, signal: AbortSignal) {
    this.#deps = deps;
    this.#job = about.job;
    this.#manifest = about.manifest;
    this.#admission = about.admission;
    this.#signal = signal;
    this.reveal = new Reveal(deps, { record: this.#record, requester: about.requester }, signal);
  }

  get #record(): JobRecord {
    return this.#job.record;
  }

  /** Throws AuditError `not-settled` when a stage met a failure of ours; the others are decided all the same. */
  async run(): Promise<{ readonly draw: AuditDraw; readonly stages: readonly StageResult[] }> {
    const { standings, money, store, workers, rateOf } = this.#deps;
    const { plan } = this.#record.signed;
    // Records as they are now: nobody knows the beacon yet.
    const all = <T>(of: (worker: NodeId) => Promise<T>): Promise<T[]> => Promise.all(plan.stages.map(({ worker }) => of(worker)));
    const [revealed, known, stakes] = await Promise.all([this.reveal.result, all((worker) => standings.of(worker)), all((worker) => money.stake(plan.job, worker))]);
    const draw = drawStages({ record: this.#record, rootsHash: this.reveal.rootsHash, revealed, assurance: this.#job.assurance, standings: known, stakes, rateOf });
    await store.saveDraw(plan.job, draw);
    const rows = new RowsInUse(workers, plan, draw);
    const results = await Promise.allSettled(this.#record.stages.map((stage, index) => this.#stage(draw, index, stage, rows)));
    const undecided = results.flatMap((result, stage) => (result.status === 'rejected' ? { stage, reason: result.reason as unknown } : []));
    this.#signal.throwIfAborted();
    for (const { reason } of undecided) this.#deps.onError(reason);
    if (undecided.length > 0) {
      const stages = undecided.map(({ stage }) => stage);
      throw new AuditError('not-settled', `job ${plan.job}: stages ${stages.join(', ')} could not be decided or booked; their credits stay pending`, { fault: 'platform', cause: undecided[0]?.reason, fields: { job: plan.job, stages } });
    }
    return { draw, stages: results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])) };
  }

  async #stage(draw: AuditDraw, index: number, stage: StageRecord, rows: RowsInUse): Promise<StageResult> {
    const { settlement } = this.#deps;
    const { job } = this.#record.signed.plan;
    const { units = 0, reason = null } = draw.stages[index] ?? {};
    let judged: Pick<Judgement, 'outcome' | 'firstBadPosition' | 'opinions'> | undefined;
    try {
      if (reason !== null) judged = await this.#audit(draw, index, units, reason, rows);
    } finally {
      this.#admission.shrink(stageBytes(stage, this.#manifest.architecture.hidden));
    }
    // Nothing was committed to: there is no work, and nothing to be paid.
    const status: StageStatus = judged?.outcome ?? (stage.units.length === 0 ? 'unpaid' : 'passed by');
    if (status === 'failed') await settlement.failed(job, stage);
    else if (status === 'unpaid') await settlement.unpaid(job, stage);
    else await settlement.passed(job, stage, judged?.opinions.findLast(({ verdict }) => verdict.passed) ?? null);
    this.#job.onStage?.(index, status);
    return { status, firstBadPosition: judged?.firstBadPosition ?? null };
  }

  async #audit(draw: AuditDraw, index: number, units: number, reason: Transcript['reason'], rows: RowsInUse): Promise<Judgement> {
    const found = stageCase(this.#record, index, this.#manifest, this.#job.prefix);
    const pieces = 'why' in found ? undefined : await supplyStage(this.#deps, this.#record, found, units, this.#signal);
    rows.supplied(index);
    const judgement = 'why' in found || pieces === undefined ? unpaid('why' in found ? found.why : 'nobody supplied the rows') : await this.#judge(draw, found, pieces);
    await this.#save(draw, index, units, reason, judgement);
    const { job } = this.#record.signed.plan;
    const positions = this.#record.stages[index]?.units[units - 1]?.receipt.body.to ?? 0;
    await this.#deps.settlement.auditors(job, judgement.opinions, judgement.misjudged, auditPay(this.#record, index, positions));
    return judgement;
  }

  async #judge(draw: AuditDraw, stage: StageCase, pieces: StagePieces): Promise<Judgement> {
    const { store, clock } = this.#deps;
    const judgement = await new StageJudge(this.#deps, { record: this.#record, stage, beacon: draw.beacon, pieces }, this.#signal).judge();
    const { job } = this.#record.signed.plan;
    for (const { sha256, bytes } of [...pieces.inputs, ...pieces.payloads, ...judgement.rows]) await store.savePiece(sha256, job, bytes, clock.now());
    return judgement;
  }

  async #save(draw: AuditDraw, stage: number, units: number, reason: Transcript['reason'], { candidates, opinions, outcome, note }: Judgement): Promise<void> {
    const { planHash, signed: { plan } } = this.#record;
    const worker = plan.stages[stage]?.worker;
    if (worker === undefined) throw new RangeError(`stage ${stage} of ${plan.stages.length}`);
    await this.#deps.store.saveTranscript({
      ...{ format: 1, network: plan.network, job: plan.job, planHash, stage, worker, reason, beacon: draw.beacon, units },
      ...{ candidates: [...candidates], opinions: [...opinions], outcome, note, decidedAt: Math.floor(this.#deps.clock.now()) },
    });
  }
}

const unpaid = (note: string): Judgement => ({ outcome: 'unpaid', note, opinions: [], candidates: [], misjudged: [], firstBadPosition: null, rows: [] });
