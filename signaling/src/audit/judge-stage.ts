import { isRechecked } from '@ciro/core/audit/audit-draw.ts';
import { auditorOrder } from '@ciro/core/audit/auditor-draw.ts';
import { misjudgedBy, nextOpinion, outcomeOf } from '@ciro/core/audit/quorum.ts';
import type { AuditorCandidate } from '@ciro/core/audit/auditor-draw.ts';
import type { Opinion, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import { AuditError } from './audit-error.ts';
import { MAX_AUDITOR_ATTEMPTS } from './audit-limits.ts';
import { Auditing } from './auditing.ts';
import { makeOpinion } from './opinion.ts';
import { ownAnswer } from './own-opinion.ts';
import { isTooEqual } from './too-equal.ts';
import type { Answer } from './auditing.ts';
import type { AuditorPool } from './auditor-pool.ts';
import type { OwnDeps } from './own-opinion.ts';
import type { Piece } from './piece-assembler.ts';
import type { StageCase } from './stage-case.ts';
import type { StagePieces, SupplyDeps } from './supply.ts';

export type JudgeDeps = SupplyDeps & OwnDeps & { readonly pool: AuditorPool };

/** A stage whose pieces are here, to be judged. */
export interface StageToJudge {
  readonly record: JobRecord;
  readonly stage: StageCase;
  readonly beacon: HexHash;
  readonly pieces: StagePieces;
}

export interface Judgement {
  readonly outcome: Transcript['outcome'];
  /** Why it is unpaid; empty else. */
  readonly note: string;
  readonly opinions: readonly Opinion[];
  readonly candidates: readonly AuditorCandidate[];
  /** Auditors whose opinion the others refute. */
  readonly misjudged: readonly NodeId[];
  /** Where the first bad unit of a failed stage begins. */
  readonly firstBadPosition: number | null;
  /** What the auditors opened. */
  readonly rows: readonly Piece[];
}

/**
 * Gathers opinions on a stage until they decide (SPEC A8): one that passes is enough, unless it is drawn to be checked by the
 * reference run; a first one that fails is followed by
 * another auditor's, of the other engine class if there is one, and by the reference run.
 */
export class StageJudge {
  readonly #deps: JudgeDeps;
  readonly #about: StageToJudge;
  readonly #signal: AbortSignal;
  readonly #opinions: Opinion[] = [];
  readonly #asked = new Set<NodeId>();
  readonly #rows: Piece[] = [];
  #candidates: readonly AuditorCandidate[] = [];

  constructor(deps: JudgeDeps, about: StageToJudge, signal: AbortSignal) {
    this.#deps = deps;
    this.#about = about;
    this.#signal = signal;
  }

  /** Rejects when the signal aborts, or when no auditor was there and the reference run failed. */
  async judge(): Promise<Judgement> {
    const { beacon, stage } = this.#about;
    const rechecked = isRechecked(beacon, stage.stage);
    for (let next = nextOpinion(this.#opinions, rechecked); next !== null; next = nextOpinion(this.#opinions, rechecked)) {
      const answer = (next === 'auditor' ? await this.#askAuditors() : undefined) ?? (await this.#askOurselves());
      if (answer === undefined) break;
      this.#rows.push(...answer.rows);
      this.#opinions.push(await makeOpinion(this.#about.stage, this.#about.pieces, answer));
    }
    const decided = outcomeOf(this.#opinions);
    const outcome = decided === 'undecided' ? 'unpaid' : decided;
    const failing = this.#opinions.filter(({ verdict }) => !verdict.passed);
    const first = failing.find(({ auditor }) => auditor === 'coordinator')?.verdict.first?.unit;
    return {
      outcome,
      note: outcome === 'unpaid' ? `${failing.length} of ${this.#opinions.length} opinions fail it, which convicts nobody` : '',
      opinions: this.#opinions,
      candidates: this.#candidates,
      misjudged: misjudgedBy(this.#opinions),
      firstBadPosition: outcome === 'failed' && first !== undefined ? (this.#about.stage.units.find(({ unit }) => unit === first)?.from ?? null) : null,
      rows: this.#rows,
    };
  }

  /** The next drawn auditor's answer; who cannot, or does not in time, is followed by another one. */
  async #askAuditors(): Promise<Answer | undefined> {
    const { pool } = this.#deps;
    const { record, stage, beacon, pieces } = this.#about;
    if (this.#candidates.length === 0) this.#candidates = await pool.candidates(record.signed.plan.stages.map(({ worker }) => worker), beacon);
    for (let attempt = 0; attempt < MAX_AUDITOR_ATTEMPTS; attempt++) {
      const worker = await this.#take(auditorOrder(this.#candidates, beacon, stage.stage));
      if (worker === undefined) return undefined;
      this.#asked.add(worker);
      const auditor = this.#deps.workers.worker(worker);
      let rest = false;
      try {
        const result = auditor === undefined ? 'left' : await new Auditing(this.#deps, { record, stage, pieces, auditor }, this.#signal).run();
        const copied = typeof result !== 'string' && this.#isCopy(worker, result);
        if (typeof result !== 'string' && !copied) return result;
        rest = copied || result === 'silent' || result === 'forged';
      } finally {
        pool.free(worker, rest);
      }
    }
    return undefined;
  }

  /** An auditor that did not compute has no opinion; whether it copied a right or a wrong result does not matter. */
  #isCopy(worker: NodeId, { engine, rows, audit }: Answer): boolean {
    const { record, stage, pieces } = this.#about;
    const theirs = record.stages[stage.stage]?.stats?.engine;
    if (theirs === undefined || theirs === engine || !isTooEqual(rows, pieces.payloads, { channels: stage.channels, ids: stage.sampling !== null })) return false;
    this.#deps.workers.offend(worker, 'forged', 'too-equal', `the rows of audit ${audit} are those of the audited ${theirs} engine to the last bit; ${engine} gives others`);
    return true;
  }

  /** After an opinion that fails, those of the other engine class come first. */
  async #take(order: readonly NodeId[]): Promise<NodeId | undefined> {
    const left = order.filter((worker) => !this.#asked.has(worker));
    const [before] = this.#opinions;
    if (before === undefined) return this.#deps.pool.take(left, this.#signal);
    const isOther = (worker: NodeId): boolean => this.#deps.workers.worker(worker)?.profile.engine !== (before.engine === 'webgpu' ? 'webgpu' : 'wasm');
    return (await this.#deps.pool.take(left.filter(isOther), this.#signal)) ?? this.#deps.pool.take(left, this.#signal);
  }

  async #askOurselves(): Promise<Answer | undefined> {
    if (this.#opinions.some(({ auditor }) => auditor === 'coordinator')) return undefined;
    const { record, stage, pieces } = this.#about;
    try {
      return await ownAnswer(this.#deps, record, stage, pieces, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      // Somebody's word is there: without ours it convicts nobody. Without any, the operator's trouble must not cost a worker its pay.
      if (this.#opinions.length === 0 || !(error instanceof AuditError)) throw error;
      return undefined;
    }
  }
}
