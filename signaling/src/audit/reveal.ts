import { nonceBytesToSign, nonceCommitment, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { REVEAL_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { AuditDraw } from '@ciro/core/audit/transcript.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import type { Clock } from '../sessions/clock.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import { Ending } from './ending.ts';
import { refusal } from './refusal.ts';
import type { AuditWorkers } from './ports.ts';
import type { Refusal } from './refusal.ts';

export type NonceMessage = Extract<WorkMessage, { type: 'nonce' }>;
/** What was opened, one a stage, null where nothing was. */
export interface Revealed {
  readonly requester: string | null;
  readonly workers: AuditDraw['workers'];
}

/**
 * Shows every worker of a job the list of all roots and collects the nonces that they fixed before (SPEC A1, A2). Over when all
 * who can have opened theirs, the requester's client included, or when the time is up.
 */
export class Reveal {
  readonly #deps: { readonly clock: Clock; readonly workers: AuditWorkers };
  readonly #plan: JobPlan;
  readonly #planHash: HexHash;
  readonly #roots: readonly (string | null)[];
  readonly #ending: Ending<Revealed>;
  readonly #opened: AuditDraw['workers'][number][];
  /** Codes told to a stage's worker. */
  readonly #told = new Set<string>();
  /** Stages whose signature is being verified. */
  readonly #verifying = new Set<number>();
  #requester: string | null;
  readonly rootsHash: HexHash;

  /** `requester`: its nonce, when it came before this began. */
  constructor(deps: { readonly clock: Clock; readonly workers: AuditWorkers }, { record, requester }: { record: JobRecord; requester: string | null }, signal: AbortSignal) {
    const { plan } = record.signed;
    this.#deps = deps;
    this.#requester = requester;
    this.#plan = plan;
    this.#planHash = record.planHash;
    this.#roots = record.stages.map(({ root }) => root?.root ?? null);
    this.#opened = plan.stages.map(() => null);
    this.rootsHash = rootsHashOf({ network: plan.network, job: plan.job, planHash: record.planHash, roots: this.#roots });
    this.#ending = new Ending(deps.clock, signal);
    this.#ending.within(REVEAL_TIMEOUT_MS, () => this.#ending.end(this.#revealed));
    for (const { worker } of plan.stages) this.#show(worker);
    this.#endIfComplete();
  }

  get result(): Promise<Revealed> {
    return this.#ending.result;
  }

  /** A worker of the job came back within the time: it is shown the roots again. */
  joined(node: NodeId): void {
    const stage = this.#stageOf(node);
    if (!this.#ending.over && stage >= 0 && this.#opened[stage] === null) this.#show(node);
  }

  /** A nonce from any worker. What does not belong is refused by name, once, and changes nothing. */
  handle(from: NodeId, message: NonceMessage): void {
    const stage = this.#stageOf(from);
    const found = this.#look(stage, message);
    if (found !== undefined) this.#refuse(from, found);
    else void this.#verify(from, stage, message);
  }

  /** The requester's own nonce; false when it is not the one that the plan names, or comes too late or again. */
  requesterNonce(nonce: string): boolean {
    if (this.#ending.over || this.#requester !== null || !opensRequesterNonce(this.#plan, nonce)) return false;
    this.#requester = nonce;
    this.#endIfComplete();
    return true;
  }

  #look(stage: number, message: NonceMessage): Refusal | undefined {
    const planned = this.#plan.stages[stage];
    if (planned === undefined) return refusal('not-yours', 'foreign-job', `a nonce for job ${message.job}, in which this worker has no stage`);
    if (message.version !== this.#plan.version) return refusal('not-yours', 'other-version', `a nonce for plan version ${message.version}; it is ${this.#plan.version}`);
    if (this.#ending.over) return refusal('not-yours', 'nonce-late', `the nonce of job ${message.job} came after its draw`);
    if (this.#opened[stage] !== null || this.#verifying.has(stage)) return refusal('not-yours', 'nonce-repeated', `the nonce of job ${message.job} was opened already`);
    if (planned.nonce === null || this.#roots[stage] === null) return refusal('not-yours', 'nonce-unasked', `stage ${stage} of job ${message.job} fixed no nonce or posted no root`);
    if (message.rootsHash !== this.rootsHash) return refusal('not-yours', 'other-roots', `a nonce for roots ${message.rootsHash}; this worker was shown ${this.rootsHash}`);
    if (nonceCommitment(message.nonce) !== planned.nonce) return refusal('forged', 'nonce-forged', `the nonce of job ${message.job} is not the one that the plan names`);
    return undefined;
  }

  async #verify(from: NodeId, stage: number, { nonce, signature }: NonceMessage): Promise<void> {
    const { network, job, stages } = this.#plan;
    this.#verifying.add(stage);
    const holds = await verifySignature(stages[stage]?.devicePublicKey ?? '', nonceBytesToSign({ network, job, planHash: this.#planHash, rootsHash: this.rootsHash, nonce }), signature);
    this.#verifying.delete(stage);
    if (!holds) {
      this.#refuse(from, refusal('forged', 'nonce-forged', `the nonce of job ${job} is not signed by the device key in the plan`));
      return;
    }
    // The time may have run out meanwhile; then the draw is made and this changes nothing.
    this.#opened[stage] = { nonce, signature };
    this.#endIfComplete();
  }

  #refuse(from: NodeId, { offence, code, message }: Refusal): void {
    const key = `${from} ${code}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#deps.workers.offend(from, offence, code, message);
  }

  #show(node: NodeId): void {
    this.#deps.workers.send(node, { type: 'reveal', job: this.#plan.job, version: this.#plan.version, roots: [...this.#roots] });
  }

  #endIfComplete(): void {
    const complete = this.#plan.stages.every(({ nonce }, stage) => nonce === null || this.#roots[stage] === null || this.#opened[stage] !== null);
    if (complete && (this.#plan.nonces.requester === null || this.#requester !== null)) this.#ending.end(this.#revealed);
  }

  /** A copy: what is verified after the time is up is not part of it. */
  get #revealed(): Revealed {
    return { requester: this.#requester, workers: [...this.#opened] };
  }

  #stageOf(node: NodeId): number {
    return this.#plan.stages.findIndex(({ worker }) => worker === node);
  }
}

/** True for the nonce that the requester's client fixed in the plan; 32 bytes in hex. */
export const opensRequesterNonce = ({ nonces }: JobPlan, nonce: string): boolean => /^[0-9a-f]{64}$/.test(nonce) && nonceCommitment(nonce) === nonces.requester;
