import { createHash } from 'node:crypto';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-committer.ts';
import { positionsOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Acknowledgement } from '@ciro/core/receipt/receipt.ts';
import type { Offence, WorkMessage } from '../sessions/worker.ts';

export type UnitMessage = Extract<WorkMessage, { type: 'unit' }>;
export type DisagreeMessage = Extract<WorkMessage, { type: 'disagree' }>;
export type RootMessage = Extract<WorkMessage, { type: 'root' }>;

/** What a stage sent about its work, unchecked but for its place and its hints: signatures are checked when the record is built. */
export interface StageEvidence {
  /** By unit number. */
  readonly units: Map<number, { readonly message: UnitMessage; readonly hash: HexHash }>;
  /** Acknowledgements that this stage gave for units of the stage before it, by receipt hash. */
  readonly given: Map<HexHash, Acknowledgement>;
  root: RootMessage | undefined;
}

/** Why a message was not taken. */
export interface Rejection {
  readonly offence: Offence;
  readonly code: string;
  readonly message: string;
}

/** A stage's word that the stage before it passed on something else than its receipt says; not yet checked. */
export interface Disagreement {
  readonly stage: number;
  readonly unit: number;
  readonly by: NodeId;
  readonly message: DisagreeMessage;
}

const reject = (offence: Offence, code: string, message: string): Rejection => ({ offence, code, message });

/** Collects units, acknowledgements and roots of one job. Bounded by the plan: a unit, an acknowledgement, a root each once. */
export class JobEvidence {
  readonly #plan: JobPlan;
  readonly #planHash: HexHash;
  readonly #maxUnits: number;
  readonly stages: readonly StageEvidence[];
  readonly disagreements: Disagreement[] = [];

  constructor(plan: JobPlan, planHash: HexHash) {
    this.#plan = plan;
    this.#planHash = planHash;
    this.#maxUnits = Math.ceil(positionsOf(plan) / UNIT_POSITIONS);
    this.stages = plan.stages.map(() => ({ units: new Map(), given: new Map(), root: undefined }));
  }

  /** A closed unit of `stage`, from the worker that the plan names for it. Units may come in any order; a second one of the same number, or one with hints that were not hashed, changes nothing. */
  unit(stage: number, message: UnitMessage): Rejection | undefined {
    const { body } = message.receipt;
    const plan = this.#plan;
    if (body.network !== plan.network || body.job !== plan.job || body.planHash !== this.#planHash || body.stage !== stage || body.worker !== plan.stages[stage]?.worker) {
      return reject('not-yours', 'foreign-unit', `a receipt for stage ${body.stage} of worker ${body.worker} came from stage ${stage}`);
    }
    const from = body.unit * UNIT_POSITIONS;
    if (body.from !== from || from < reusedPositions(plan) || body.to <= from || body.to > Math.min(from + UNIT_POSITIONS, positionsOf(plan))) {
      return reject('oversized', 'unit-out-of-grid', `unit ${body.unit} covers [${body.from}, ${body.to}) of positions ${reusedPositions(plan)} to ${positionsOf(plan)}`);
    }
    const { units } = this.#of(stage);
    if (units.has(body.unit)) return reject('not-yours', 'unit-repeated', `unit ${body.unit} of stage ${stage} was sent already`);
    if (createHash('sha256').update(message.hints, 'base64').digest('hex') !== message.hintHash) return reject('forged', 'hints-forged', `the hints of unit ${body.unit} of stage ${stage} are not those that were hashed`);
    units.set(body.unit, { message, hash: receiptHash(body) });
    return undefined;
  }

  /** The word of `stage` on a receipt of the stage before it. */
  acknowledge(stage: number, acknowledgement: Acknowledgement): Rejection | undefined {
    const signer = this.#plan.stages[stage]?.worker;
    if (this.stages.length < 2 || acknowledgement.signer !== signer) return reject('not-yours', 'foreign-acknowledgement', `stage ${stage} is ${signer} but the acknowledgement names ${acknowledgement.signer}`);
    const { given } = this.#of(stage);
    if (given.has(acknowledgement.receiptHash)) return reject('not-yours', 'acknowledgement-repeated', `receipt ${acknowledgement.receiptHash} was acknowledged already`);
    if (given.size >= this.#maxUnits) return reject('oversized', 'too-many-acknowledgements', `more than ${this.#maxUnits} acknowledgements for ${this.#maxUnits} units`);
    given.set(acknowledgement.receiptHash, acknowledgement);
    return undefined;
  }

  /** The word of `stage` that it was not given what the stage before it signed. */
  disagree(stage: number, message: DisagreeMessage): Rejection | undefined {
    const { body } = message.receipt;
    const count = this.stages.length;
    const by = this.#plan.stages[stage]?.worker;
    if (by === undefined || count < 2 || body.planHash !== this.#planHash || (body.stage + 1) % count !== stage) return reject('not-yours', 'foreign-disagreement', `stage ${stage} was not given unit ${body.unit} of stage ${body.stage}`);
    if (this.disagreements.some((each) => each.by === by && each.unit === body.unit)) return reject('not-yours', 'disagreement-repeated', `stage ${stage} disagreed with unit ${body.unit} already`);
    if (body.unit >= this.#maxUnits) return reject('oversized', 'unit-out-of-grid', `unit ${body.unit} of at most ${this.#maxUnits}`);
    this.disagreements.push({ stage: body.stage, unit: body.unit, by, message });
    return undefined;
  }

  /** The root of a stage's leaves with the salts that open them. */
  root(stage: number, message: RootMessage): Rejection | undefined {
    if (message.stage !== stage || message.planHash !== this.#planHash) return reject('not-yours', 'foreign-root', `a root for stage ${message.stage} came from stage ${stage}`);
    if (message.salts.length > this.#maxUnits) return reject('oversized', 'root-oversized', `${message.salts.length} salts for at most ${this.#maxUnits} units`);
    const evidence = this.#of(stage);
    if (evidence.root !== undefined) return reject('not-yours', 'root-repeated', `stage ${stage} sent its root already`);
    evidence.root = message;
    return undefined;
  }

  /** The neighbour's acknowledgement of a unit, if it came. */
  acknowledgementOf(stage: number, hash: HexHash): Acknowledgement | undefined {
    return this.stages[(stage + 1) % this.stages.length]?.given.get(hash);
  }

  /** True when all that stages can be expected to send for positions below `acceptedTo` is there; lost workers send nothing. */
  complete(acceptedTo: number, lost: ReadonlySet<NodeId>): boolean {
    return this.stages.every((evidence, stage) => {
      if (this.#lost(stage, lost)) return true;
      let covered = 0;
      for (const { message } of evidence.units.values()) covered += message.receipt.body.to - message.receipt.body.from;
      return evidence.root !== undefined && covered >= acceptedTo - reusedPositions(this.#plan) && (this.stages.length < 2 || this.#answered(stage, lost));
    });
  }

  #answered(stage: number, lost: ReadonlySet<NodeId>): boolean {
    const next = (stage + 1) % this.stages.length;
    if (this.#lost(next, lost)) return true;
    return [...this.#of(stage).units].every(([unit, { hash }]) => this.#of(next).given.has(hash) || this.disagreements.some((each) => each.stage === stage && each.unit === unit));
  }

  #lost(stage: number, lost: ReadonlySet<NodeId>): boolean {
    const worker = this.#plan.stages[stage]?.worker;
    return worker !== undefined && lost.has(worker);
  }

  #of(stage: number): StageEvidence {
    const evidence = this.stages[stage];
    if (evidence === undefined) throw new RangeError(`stage ${stage} of ${this.stages.length}`);
    return evidence;
  }
}
