import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UnitCells } from '@ciro/core/commitment/unit-cells.ts';
import { NO_ID, payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { planHashOf, positionsOf } from '@ciro/core/job/plan.ts';
import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import { sample } from '@ciro/core/sampling/sample.ts';
import { KeptRows } from './kept-rows.ts';
import { RetainedRows } from './retained-rows.ts';
import { checkIdFrame, checkRowFrame } from './frame-check.ts';
import { StageError } from './stage-error.ts';
import type { BoundaryGrid } from '@ciro/core/commitment/cells.ts';
import type { UnitCut } from '@ciro/core/commitment/unit-cells.ts';
import type { UnitBytes } from '@ciro/core/commitment/unit-hashes.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { HeldStage, StageRun } from './stage-ports.ts';

/** Positions to compute next; rows of them are in the job's buffers already. */
export interface StageWork {
  readonly position: number;
  readonly count: number;
  /** The last stage wants logits: the positions end the prompt or are generated. */
  readonly logits: boolean;
  /** Positions below this are accepted once this work was asked for. */
  readonly acceptedTo: number;
}

/** What a computed piece of work leads to, in the order in which it must leave. */
export interface StageStep {
  readonly frame?: Frame;
  /** Drawn by the last stage: `id` follows `position`. */
  readonly token?: { readonly position: number; readonly id: number };
  readonly next?: StageWork;
}

/**
 * One stage of one job: which positions may come, what is computed next, what leaves, what is committed. Synchronous and
 * without I/O, clock or engine; the pipeline runs the work it names. Everything it will ever hold is allocated here.
 */
export class StageJob {
  readonly plan: JobPlan;
  readonly planHash: HexHash;
  readonly stage: number;
  readonly key: string;
  readonly positions: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Neighbours in the ring; undefined on both sides for a plan of one stage. */
  readonly upstream: NodeId | undefined;
  readonly downstream: NodeId | undefined;
  readonly vocabulary: number;
  #inputs: RetainedRows;
  #outputs: RetainedRows<Float32Array>;
  /** Per position the id that followed it: drawn here on the last stage, received on the first; else NO_ID. */
  readonly #following: Uint32Array;
  readonly #grid: BoundaryGrid;
  #cells: UnitCells;
  /** Bytes given by upstream from a position on: everything while the job runs, the last unit afterwards. */
  #received: { readonly from: number; readonly bytes: Uint8Array };
  #kept: KeptRows | undefined;
  #requested = 0;
  #computed = 0;
  #accepted = 0;
  #drawn = 0;
  #started = false;

  /** `promptIds` for the first stage, else null; both sides of the plan were checked by `checkPlan`. */
  constructor(plan: JobPlan, stage: number, held: HeldStage, promptIds: Uint32Array | null) {
    const { hidden, layers, vocabulary } = held.architecture;
    const stages = plan.stages.length;
    const neighbour = (index: number): NodeId | undefined => (stages === 1 ? undefined : plan.stages[(index + stages) % stages]?.worker);
    this.plan = plan;
    this.planHash = planHashOf(plan);
    this.stage = stage;
    this.key = jobKey(plan.job, plan.version);
    this.positions = positionsOf(plan);
    this.isFirst = stage === 0;
    this.isLast = stage === stages - 1;
    this.upstream = neighbour(stage - 1);
    this.downstream = neighbour(stage + 1);
    this.vocabulary = vocabulary;
    this.#outputs = RetainedRows.ofRows(this.positions, hidden);
    this.#following = new Uint32Array(this.positions).fill(NO_ID);
    this.#grid = boundaryGrid(held.calibration, this.isLast ? layers + 1 : held.shape.to);
    this.#cells = new UnitCells(this.#grid);
    if (promptIds === null) this.#inputs = RetainedRows.ofRows(this.positions, hidden);
    else {
      const ids = RetainedRows.ofIds(this.positions);
      ids.at(0, promptIds.length).set(promptIds);
      this.#inputs = ids;
    }
    this.#received = { from: 0, bytes: this.#inputs.bytes(0, this.positions) };
  }

  /** The prompt is through: what comes next are generated positions. */
  get generates(): boolean {
    return this.#computed >= this.plan.promptTokens;
  }

  /** What the stage was given: ids on the first stage, rows on the others. */
  get inputs(): RetainedRows {
    return this.#inputs;
  }
  /** Positions asked for, computed, and committed so far. */
  get requested(): number {
    return this.#requested;
  }
  get computed(): number {
    return this.#computed;
  }
  get committed(): number {
    return this.#cells.next;
  }
  /** Positions known to be accepted. */
  get accepted(): number {
    return this.#accepted;
  }
  /** Bytes of rows and ids held while the job runs. */
  get heldBytes(): number {
    return this.#inputs.heldBytes + this.#outputs.heldBytes + this.#following.byteLength;
  }
  /** False on the first stage until the coordinator's `start`; the others begin with their first frame. */
  get started(): boolean {
    return this.#started || !this.isFirst;
  }

  /** The first stage's first chunk. Undefined when it was started before. */
  start(): StageWork | undefined {
    if (this.started) return undefined;
    this.#started = true;
    return this.#request(0);
  }

  /** Rows from upstream. Throws StageError with a FrameRefusal code; the job is then as it was before. */
  takeRows(frame: Frame): StageWork {
    checkRowFrame(frame, this);
    this.#inputs.bytes(frame.position, frame.count).set(frame.payload);
    return this.#work(frame.position, frame.count);
  }

  /** First stage: the id that closes a lap. Gives the next lap's work, or undefined when the answer ends with it. Throws as `takeRows`. */
  takeId(frame: Frame): StageWork | undefined {
    const id = checkIdFrame(frame, this, this.#following[frame.position]);
    this.#following[frame.position] = id;
    return this.#nextLap(frame.position, id);
  }

  /** First stage, after `finish`: notes an id that the coordinator's `finish` overtook, so that the last receipt can be judged. */
  noteId(frame: Frame): void {
    this.#following[frame.position] = checkIdFrame(frame, this, this.#following[frame.position]);
  }

  /** Takes what the engine gave for `work` and says what leaves. */
  complete(work: StageWork, run: StageRun): StageStep {
    this.#outputs.at(work.position, work.count).set(run.rows);
    this.#computed = work.position + work.count;
    const last = this.#computed - 1;
    if (!this.isLast) {
      const frame = this.#frame('rows', work.position, work.count, this.#outputs.bytes(work.position, work.count));
      return this.isFirst && this.#requested < this.plan.promptTokens ? { frame, next: this.#request(this.#requested) } : { frame };
    }
    if (!work.logits) return this.isFirst ? { next: this.#request(this.#requested) } : {};
    if (run.logits === undefined) throw new StageError('stage-failed', `The engine gave no logits for position ${last}; load the stage again.`, { fault: 'bug' });
    const { sampler, promptTokens } = this.plan;
    // The repetition penalty sees the answer only: the prompt's ids are known to the first stage alone.
    const id = sample(run.logits, sampler, sampler.seed, last, this.#following.subarray(promptTokens - 1, promptTokens - 1 + this.#drawn));
    this.#drawn++;
    this.#following[last] = id;
    const token = { position: last, id };
    if (!this.isFirst) return { frame: this.#frame('ids', last, 1, new Uint8Array(Uint32Array.of(id).buffer)), token };
    const next = this.#nextLap(last, id);
    return next === undefined ? { token } : { token, next };
  }

  /**
   * Notes that positions below `acceptedTo` are accepted and takes their cells; gives the units that became full, to be hashed
   * later. Called after the frame that told of it has left.
   */
  accept(acceptedTo: number): UnitBytes[] {
    this.#accepted = acceptedTo;
    return this.#commit(acceptedTo);
  }

  /**
   * Ends the stage's work at `acceptedTo` positions and gives the units that close with it. The ring runs ahead of a cancel,
   * so the open unit may hold rows past that: its cells are taken again, up to there. A unit that was full before stays.
   * Committed rows wait for `takeKept`; otherwise only those stay that a neighbour's last receipts may be about.
   */
  end(acceptedTo: number): UnitBytes[] {
    const end = Math.min(acceptedTo, this.#computed);
    if (this.#cells.next > end) this.#cells = new UnitCells(this.#grid, this.#cells.from);
    const closed = this.#commit(end);
    const cut = this.#cells.close();
    if (cut !== undefined) closed.push(this.#unit(cut));
    const kept = end - (end % UNIT_POSITIONS);
    this.#received = { from: kept, bytes: this.#inputs.bytes(kept, this.#computed - kept).slice() };
    const positions = this.#cells.next;
    if (positions > 0) {
      const { job, version } = this.plan;
      const following = this.isLast ? this.#following.slice(0, positions) : undefined;
      this.#kept = new KeptRows({ job, version, positions, inputs: this.#inputs.upTo(positions), outputs: this.#outputs.upTo(positions), following });
    }
    this.#inputs = this.#outputs = RetainedRows.ofRows(0, this.#grid.channels);
    return closed;
  }

  /** After `end`, once: what was committed, as an audit may ask for it. Undefined when nothing was. */
  takeKept(): KeptRows | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  #commit(end: number): UnitBytes[] {
    const closed: UnitBytes[] = [];
    for (let position = this.#cells.next; position < end; position++) {
      const cut = this.#cells.accept(position, this.#outputs.at(position));
      if (cut !== undefined) closed.push(this.#unit(cut));
    }
    return closed;
  }

  /** The unit's bytes as views of the job's buffers: nothing is copied, and nothing in them changes any more. */
  #unit(cut: UnitCut): UnitBytes {
    const count = cut.to - cut.from;
    const input = this.#inputs.bytes(cut.from, count);
    const rows = this.#outputs.bytes(cut.from, count);
    if (!this.isLast) return { ...cut, input, payload: rows };
    const link = new Uint8Array(this.#following.buffer, 4 * cut.from, 4 * count);
    return { ...cut, input, payload: payloadWithIds(rows, link), link };
  }

  /**
   * What came over the link from upstream for positions `[from, to)` (SPEC U4): rows, or on the first stage the ids that
   * followed them. Undefined when it did not come yet, or was given back.
   */
  linkBytes(from: number, to: number): Uint8Array | undefined {
    if (this.isFirst) {
      const ids = this.#following.subarray(from, to);
      const firstDrawn = Math.max(0, this.plan.promptTokens - 1 - from);
      return ids.subarray(firstDrawn).includes(NO_ID) ? undefined : new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    }
    const rowBytes = 4 * this.#grid.channels;
    const { from: kept, bytes } = this.#received;
    return from < kept || to > this.#computed ? undefined : bytes.subarray((from - kept) * rowBytes, (to - kept) * rowBytes);
  }

  #nextLap(position: number, id: number): StageWork | undefined {
    if (position + 1 >= this.positions || this.plan.stopIds.includes(id)) return undefined;
    this.#inputs.at(position + 1).set([id]);
    return this.#work(position + 1, 1);
  }

  /** The chunk of the prompt that begins at `position`. */
  #request(position: number): StageWork {
    return this.#work(position, Math.min(PREFILL_CHUNK_POSITIONS, this.plan.promptTokens - position));
  }

  #work(position: number, count: number): StageWork {
    this.#requested = position + count;
    return { position, count, logits: this.isLast && this.#requested >= this.plan.promptTokens, acceptedTo: position };
  }

  #frame(kind: 'rows' | 'ids', position: number, count: number, payload: Uint8Array): Frame {
    return { kind, job: this.plan.job, planVersion: this.plan.version, position, count, acceptedTo: position, stage: this.stage, payload };
  }
}

/** Names one version of one job, here and in the engine. */
export const jobKey = (job: string, version: number): string => `${job}/${version}`;
