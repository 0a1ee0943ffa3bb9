import { auditRate, jobAuditRate } from '@ciro/core/audit/audit-rate.ts';
import { toHex } from '@ciro/core/bytes.ts';
import type { AuditDraw } from '@ciro/core/audit/transcript.ts';
import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import { AuditError } from './audit-error.ts';
import { AuditGate } from './audit-gate.ts';
import { AUDIT_RETENTION_MS, MAX_REMEMBERED_JOBS, PRUNE_INTERVAL_MS } from './audit-limits.ts';
import { AuditorPool } from './auditor-pool.ts';
import { Exchanges } from './exchanges.ts';
import { JobAudit } from './job-audit.ts';
import { opensRequesterNonce } from './reveal.ts';
import { StageSettlement } from './settle-stage.ts';
import { stageBytes } from './stage-case.ts';
import type { GateLimits } from './audit-gate.ts';
import type { JobAuditDeps, JobToAudit, StageResult } from './job-audit.ts';
import type { AuditModels, AuditMoney, AuditStore, AuditWorkers, ReferenceRun, Standings } from './ports.ts';
import type { NonceMessage } from './reveal.ts';

export interface AuditDeskDeps {
  readonly clock: Clock;
  readonly workers: AuditWorkers;
  readonly standings: Standings;
  readonly money: AuditMoney;
  readonly store: AuditStore;
  readonly reference: ReferenceRun;
  readonly key: CoordinatorKey;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly models: AuditModels;
  /** Where failures of ours go; the audits of other stages and jobs go on. */
  readonly onError: (error: unknown) => void;
}

export interface AuditDeskOptions {
  /** The operator's own rate by stage-jobs passed, for instance a constant; `jobAuditRate` by default. */
  readonly rate?: (passed: number) => number;
  /** Pieces are deleted after this; AUDIT_RETENTION_MS by default. */
  readonly retentionMs?: number;
  readonly limits?: GateLimits;
}

/** What became of a job. */
export interface AuditResult {
  readonly job: JobId;
  readonly draw: AuditDraw;
  /** One a stage. */
  readonly stages: readonly StageResult[];
}

/** A job under consideration. */
interface Considered {
  readonly job: JobToAudit;
  readonly result: Promise<AuditResult>;
  /** The requester's nonce, until the roots are shown. */
  requester: string | null;
  /** Absent while the job waits for its draw. */
  audit?: JobAudit;
}

/**
 * Draws every recorded job and audits what is drawn (SPEC A1 to A9): several at a time, each on its own, bounded together. It
 * listens to workers by itself.
 */
export class AuditDesk {
  readonly #deps: AuditDeskDeps;
  readonly #parts: JobAuditDeps;
  readonly #retentionMs: number;
  readonly #gate: AuditGate;
  readonly #pool: AuditorPool;
  readonly #exchanges: Exchanges;
  readonly #considered = new Map<JobId, Considered>();
  /** Parties of jobs that are decided, the oldest forgotten first, with those that were told that they are late. */
  readonly #decided = new Map<JobId, { readonly parties: readonly NodeId[]; readonly told: Set<NodeId> }>();
  readonly #stop = new AbortController();
  #stopPruning: () => void = () => undefined;

  constructor(deps: AuditDeskDeps, options: AuditDeskOptions = {}) {
    const rateOf = options.rate ?? jobAuditRate;
    this.#deps = deps;
    this.#retentionMs = options.retentionMs ?? AUDIT_RETENTION_MS;
    this.#gate = new AuditGate(options.limits);
    this.#pool = new AuditorPool(deps);
    this.#exchanges = new Exchanges(deps);
    const newAuditId = (): AuditId => toHex(deps.randomBytes(16)) as AuditId;
    this.#parts = { ...deps, rateOf, newAuditId, pool: this.#pool, exchanges: this.#exchanges, settlement: new StageSettlement(deps, options.rate ?? auditRate) };
    deps.workers.observe({
      joined: ({ nodeId }) => {
        for (const { audit } of this.#considered.values()) audit?.reveal.joined(nodeId);
        this.#pool.changed();
      },
      left: (nodeId) => {
        this.#exchanges.left(nodeId);
        this.#pool.changed();
      },
      message: (nodeId, message) => this.#handle(nodeId, message),
    });
    this.#pruneLater();
  }

  /**
   * Draws and audits a recorded, settled job; resolves when every stage is decided and its money booked. Never rejects for what
   * workers do. Throws AuditError: `full`, `drawn`, `unknown-model`, `not-settled`, or `closed`; credits that are not decided
   * stay pending then. The same job again, while it is under way, is the same audit.
   */
  consider(job: JobToAudit): Promise<AuditResult> {
    const id = job.record.signed.plan.job;
    const known = this.#considered.get(id);
    if (known !== undefined) return known.result;
    const { promise, resolve, reject } = Promise.withResolvers<AuditResult>();
    const considered: Considered = { job, result: promise, requester: null };
    this.#considered.set(id, considered);
    this.#run(id, considered).finally(() => this.#over(id, considered)).then(resolve, reject);
    return promise;
  }

  /** The requester's nonce, 32 bytes in hex; false when no such job waits for it, it is not the one in the plan, or the draw was made. */
  requesterNonce(job: JobId, nonce: string): boolean {
    const considered = this.#considered.get(job);
    if (considered === undefined) return false;
    if (considered.audit !== undefined) return considered.audit.reveal.requesterNonce(nonce);
    if (considered.requester !== null || !opensRequesterNonce(considered.job.record.signed.plan, nonce)) return false;
    considered.requester = nonce;
    return true;
  }

  /**
   * Takes no more jobs, calls running audits off, and waits until what was decided is booked. What could not be decided stays
   * pending: `settleAfterRestart` takes it up. The reference run belongs to whoever made it.
   */
  async close(): Promise<void> {
    this.#stopPruning();
    this.#stop.abort(new AuditError('closed', 'the coordinator stops; what is not decided stays pending until it starts again', { fault: 'abort' }));
    await Promise.allSettled([...this.#considered.values()].map(({ result }) => result));
  }

  async #run(id: JobId, considered: Considered): Promise<AuditResult> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const { record } = considered.job;
    const manifest = this.#manifestOf(record.signed.plan.modelId);
    const { hidden } = manifest.architecture;
    const admission = await this.#gate.enter(record.stages.reduce((sum, stage) => sum + stageBytes(stage, hidden), 0), signal);
    try {
      // A second draw would be a choice between two.
      if ((await this.#deps.store.drawOf(id)) !== undefined) throw new AuditError('drawn', `job ${id} had its draw already`, { fault: 'bug', fields: { job: id } });
      considered.audit = new JobAudit(this.#parts, { job: considered.job, manifest, admission, requester: considered.requester }, signal);
      return { job: id, ...(await considered.audit.run()) };
    } finally {
      admission.leave();
    }
  }

  #manifestOf(model: JobToAudit['record']['signed']['plan']['modelId']): ModelManifest {
    const found = this.#deps.models.get(model);
    if (found === undefined) throw new AuditError('unknown-model', `model ${model} is not served any more, so work on it cannot be audited; add it again`, { fault: 'platform', fields: { model } });
    return found.manifest;
  }

  #over(id: JobId, { job }: Considered): void {
    this.#considered.delete(id);
    this.#decided.set(id, { parties: job.record.signed.plan.stages.map(({ worker }) => worker), told: new Set() });
    const [oldest] = this.#decided.keys();
    if (this.#decided.size > MAX_REMEMBERED_JOBS && oldest !== undefined) this.#decided.delete(oldest);
  }

  #handle(from: NodeId, message: WorkMessage): void {
    if (message.type === 'nonce') this.#nonce(from, message);
    else if ('audit' in message) this.#exchanges.handle(from, message);
  }

  #nonce(from: NodeId, message: NonceMessage): void {
    const { workers } = this.#deps;
    const audit = this.#considered.get(message.job)?.audit;
    if (audit !== undefined) return audit.reveal.handle(from, message);
    const decided = this.#decided.get(message.job);
    if (decided === undefined || !decided.parties.includes(from)) return workers.offend(from, 'not-yours', 'nonce-unasked', `a nonce for job ${message.job}, whose roots were not shown to this worker`);
    if (decided.told.has(from)) return;
    decided.told.add(from);
    workers.offend(from, 'not-yours', 'nonce-late', `the nonce of job ${message.job} came after its draw`);
  }

  #pruneLater(): void {
    this.#stopPruning = this.#deps.clock.after(PRUNE_INTERVAL_MS, () => {
      this.#deps.store.prunePieces(Math.floor(this.#deps.clock.now()) - this.#retentionMs).catch(this.#deps.onError);
      this.#pruneLater();
    });
  }
}
