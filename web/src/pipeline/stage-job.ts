import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UnitCells } from '@ciro/core/commitment/unit-cells.ts';
import { NO_ID, payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { cachedPositions, planHashOf, positionsOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import { sample } from '@ciro/core/sampling/sample.ts';
import { acceptDrafts } from '@ciro/core/speculation/accept-drafts.ts';
import { KeptRows } from './kept-rows.ts';
import { RetainedRows } from './retained-rows.ts';
import { checkDraftFrame, checkIdFrame, checkRowFrame } from './frame-check.ts';
import { StageError } from './stage-error.ts';
import { RunStarts } from './run-starts.ts';
import { MAX_REPLAYED_RUNS } from './stage-limits.ts';
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
  /** The last stage wants logits: of the position that ends the prompt, or of all that are generated. */
  readonly logits: boolean | 'all';
  /** Rows from `position` on were computed from drafts that are rejected: the engine is to forget them first. */
  readonly cuts: boolean;
  /** Positions below this are accepted once this work was asked for. */
  readonly acceptedTo: number;
}

/** What the first stage begins a lap with: its work, and the ids that the last stage compares drafted rows with. */
export interface NextLap {
  readonly work: StageWork;
  readonly drafts?: Frame;
}

/** What a computed piece of work leads to, in the order in which it must leave. */
export interface StageStep {
  readonly frame?: Frame;
  /** Drawn by the last stage, in order: `id` follows `position`. */
  readonly tokens?: readonly { readonly position: number; readonly id: number }[];
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
  /** Positions that were computed by the job before: this one begins after them (SPEC V1). */
  readonly reused: number;
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
  readonly #runs: RunStarts;
  /** Runs of the job before, known for positions below `end`: those of an answer that moved are computed again as they were (SPEC V10). */
  readonly #before: { readonly runs: RunStarts; readonly end: number } | undefined;
  /** Drafts of the lap under way: proposed here on the first stage, sent by it on the last. */
  #drafts: Uint32Array = NO_IDS;
  /** The position after which the newest drafts came, on the last stage. */
  #draftedAt = -1;
  #requested = 0;
  #computed = 0;
  /** Positions that the engine holds; more than are computed where drafts were rejected. */
  #reached = 0;
  /** No generated position below this is computed again: its row is accepted, whatever became of the drafts behind it. */
  #certain = 0;
  #accepted = 0;
  #drawn = 0;
  #started = false;
  /** The next stage is rebuilt, and was not given its rows yet. */
  #givesHistory: boolean;

  /** `promptIds` for the first stage, else null; both sides of the plan were checked by `checkPlan`. `kept`: rows of the prefix that the plan names. */
  constructor(plan: JobPlan, stage: number, held: HeldStage, promptIds: Uint32Array | null, kept?: KeptRows) {
    const { hidden, layers, vocabulary } = held.architecture;
    const stages = plan.stages.length;
    const neighbour = (index: number): NodeId | undefined => (stages === 1 ? undefined : plan.stages[(index + stages) % stages]?.worker);
    this.plan = plan;
    this.planHash = planHashOf(plan);
    this.stage = stage;
    this.key = jobKey(plan.job, plan.version);
    this.positions = positionsOf(plan);
    this.reused = reusedPositions(plan);
    this.isFirst = stage === 0;
    this.isLast = stage === stages - 1;
    this.upstream = neighbour(stage - 1);
    this.downstream = neighbour(stage + 1);
    this.vocabulary = vocabulary;
    this.#outputs = RetainedRows.ofRows(this.positions, hidden);
    this.#following = new Uint32Array(this.positions).fill(NO_ID);
    this.#grid = boundaryGrid(held.calibration, this.isLast ? layers + 1 : held.shape.to);
    this.#cells = new UnitCells(this.#grid, this.reused);
    if (promptIds === null) this.#inputs = RetainedRows.ofRows(this.positions, hidden);
    else {
      const ids = RetainedRows.ofIds(this.positions);
      ids.at(0, promptIds.length).set(promptIds);
      this.#inputs = ids;
    }
    kept?.copyTo(this.reused, this.#inputs, this.#outputs);
    this.#runs = new RunStarts(this.positions);
    if (kept !== undefined) {
      this.#runs.copy(kept.runs, this.reused);
      if (plan.drawnFrom !== undefined) this.#before = { runs: kept.runs, end: Math.min(kept.positions, plan.promptTokens) };
    }
    this.#accepted = this.reused;
    this.#requested = this.#computed = this.#reached = this.#certain = cachedPositions(plan, stage);
    this.#givesHistory = plan.prefix?.rebuilds === stage + 1;
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
  get certain(): number {
    return this.#certain;
  }
  /** First position of the lap under way, or of the newest one. */
  get lapFrom(): number {
    return this.#computed - 1 - this.#drafts.length;
  }
  /** Drafts of the lap under way. */
  get drafts(): Uint32Array {
    return this.#drafts;
  }
  /** The position that the newest drafts were to follow; -1 before the first. */
  get draftedAt(): number {
    return this.#draftedAt;
  }
  /** First stage: every id that is known, the prompt's and the answer's, the one that the next lap begins with included. */
  get knownIds(): Uint32Array {
    const ids = this.#inputs.at(0, this.#computed + 1);
    return ids instanceof Uint32Array ? ids : NO_IDS;
  }
  /** Drafts that the next lap has positions for. */
  get draftRoom(): number {
    return this.positions - this.#computed - 1;
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
    return this.#request(this.#requested);
  }

  /** Rows of the prefix for a next stage that is rebuilt, which go ahead of all others; given once (SPEC V9). */
  takeHistory(): Frame[] {
    if (!this.#givesHistory) return [];
    this.#givesHistory = false;
    const frames: Frame[] = [];
    const replays = this.plan.drawnFrom !== undefined && this.#runs.runsBefore(this.reused) <= MAX_REPLAYED_RUNS;
    for (let position = 0; position < this.reused; ) {
      const count = replays ? this.#runs.countAt(position, this.reused) : PREFILL_CHUNK_POSITIONS;
      frames.push(this.#frame('rows', position, count, this.#outputs.bytes(position, count)));
      position += count;
    }
    return frames;
  }

  /** Rows from upstream. Throws StageError with a FrameRefusal code; the job is then as it was before. */
  takeRows(frame: Frame): StageWork {
    checkRowFrame(frame, this);
    this.#inputs.bytes(frame.position, frame.count).set(frame.payload);
    return this.#work(frame.position, frame.count);
  }

  /** First stage: the ids that close a lap. True when another lap follows, false when the answer ends with them. Throws as `takeRows`. */
  takeIds(frame: Frame): boolean {
    const ids = this.noteIds(frame);
    const next = frame.position + ids.length;
    this.#computed = this.#requested = next;
    this.#drafts = NO_IDS;
    return this.#goesOn(next, ids.at(-1));
  }

  /** First stage, after `finish`: notes ids that the coordinator's `finish` overtook, so that the last receipt can be judged. Throws as `takeRows`. */
  noteIds(frame: Frame): Uint32Array {
    const ids = checkIdFrame(frame, this, this.#following[frame.position]);
    this.#following.set(ids, frame.position);
    return ids;
  }

  /** Last stage: what the first one drafts for the next lap. False when that lap is over: such drafts are of no use any more. Throws as `takeRows`. */
  takeDrafts(frame: Frame): boolean {
    const drafts = checkDraftFrame(frame, this);
    this.#draftedAt = frame.position;
    if (frame.position < this.#computed) return false;
    this.#drafts = drafts;
    return true;
  }

  /** First stage, after `takeIds` was true: the next lap, with rows for `drafts`, of which there may be `draftRoom`. */
  nextLap(drafts: Uint32Array): NextLap {
    const position = this.#computed;
    this.#drafts = drafts;
    this.#inputs.at(position + 1, drafts.length).set(drafts);
    const work = this.#work(position, 1 + drafts.length);
    if (drafts.length === 0) return { work };
    return { work, drafts: this.#frame('drafts', position, drafts.length, new Uint8Array(drafts.slice().buffer)) };
  }

  /** Takes what the engine gave for `work` and says what leaves. */
  complete(work: StageWork, run: StageRun): StageStep {
    this.#outputs.at(work.position, work.count).set(run.rows);
    this.#runs.add(work.position);
    this.#computed = this.#reached = work.position + work.count;
    // Of a prefix only the cache is wanted: nobody is given rows of it a second time.
    if (work.position < this.reused) return this.isFirst ? { next: this.#request(this.#requested) } : {};
    if (!this.isLast) {
      const frame = this.#frame('rows', work.position, work.count, this.#outputs.bytes(work.position, work.count));
      return this.isFirst && this.#requested < this.plan.promptTokens ? { frame, next: this.#request(this.#requested) } : { frame };
    }
    if (work.logits === false) return this.isFirst ? { next: this.#request(this.#requested) } : {};
    const from = work.logits === 'all' ? work.position : this.#computed - 1;
    const ids = this.#drawLap(from, run.logits);
    this.#computed = this.#requested = this.#certain = from + ids.length;
    const tokens = ids.map((id, index) => ({ position: from + index, id }));
    if (!this.isFirst) return { frame: this.#frame('ids', from, ids.length, new Uint8Array(Uint32Array.from(ids).buffer)), tokens };
    if (!this.#goesOn(this.#computed, ids.at(-1))) return { tokens };
    return { tokens, next: this.nextLap(NO_IDS).work };
  }

  /** The ids of a lap whose rows begin at `from`: one, and one more for each draft that is right. */
  #drawLap(from: number, logits: Float32Array | undefined): number[] {
    const { vocabulary } = this;
    const rows = this.#computed - from;
    if (logits?.length !== rows * vocabulary) throw new StageError('stage-failed', `The engine gave ${logits?.length ?? 0} logits for ${rows} rows from position ${from} on; load the stage again.`, { fault: 'bug' });
    const drafts = this.#drafts;
    this.#drafts = NO_IDS;
    return acceptDrafts(rows, drafts, this.plan.stopIds, (row) => this.#draw(from + row, logits.subarray(row * vocabulary, (row + 1) * vocabulary)));
  }

  #draw(position: number, logits: Float32Array): number {
    const { sampler, promptTokens } = this.plan;
    // The repetition penalty sees the answer only: the prompt's ids are known to the first stage alone.
    const id = sample(logits, sampler, sampler.seed, position, this.#following.subarray(promptTokens - 1, promptTokens - 1 + this.#drawn));
    this.#drawn++;
    this.#following[position] = id;
    return id;
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
    const end = Math.max(this.reused, Math.min(acceptedTo, this.#computed));
    if (this.#cells.next > end) this.#cells = new UnitCells(this.#grid, this.#cells.from);
    const closed = this.#commit(end);
    const cut = this.#cells.close();
    if (cut !== undefined) closed.push(this.#unit(cut));
    const kept = end - (end % UNIT_POSITIONS);
    this.#received = { from: kept, bytes: this.#inputs.bytes(kept, Math.max(0, this.#computed - kept)).slice() };
    const positions = this.#cells.next;
    if (positions > this.reused) {
      const { job, version } = this.plan;
      const following = this.isLast ? this.#following.slice(0, positions) : undefined;
      this.#kept = new KeptRows({ job, version, positions, inputs: this.#inputs.upTo(positions), outputs: this.#outputs.upTo(positions), following, runs: this.#runs });
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

  /** First stage: whether `id` at `position` is computed, and not the end of the answer; it is put in its place then. */
  #goesOn(position: number, id: number | undefined): boolean {
    if (id === undefined || position >= this.positions || this.plan.stopIds.includes(id)) return false;
    this.#inputs.at(position).set([id]);
    return true;
  }

  /** The part of the prompt that begins at `position`: as earlier jobs of the answer computed it (SPEC V10), or a chunk. */
  #request(position: number): StageWork {
    const { promptTokens, drawnFrom = promptTokens } = this.plan;
    const replays = promptTokens - Math.max(drawnFrom, cachedPositions(this.plan, this.stage)) <= MAX_REPLAYED_RUNS;
    if (replays && this.#before !== undefined && position < this.#before.end) return this.#work(position, this.#before.runs.countAt(position, this.#before.end));
    if (replays && position >= drawnFrom) return this.#work(position, 1);
    // The prefix ends with a chunk, too, and what was drawn behind the first prompt began a run of its own.
    const chunk = Math.min(PREFILL_CHUNK_POSITIONS, (position < this.reused ? this.reused : promptTokens) - position);
    return this.#work(position, replays && position < drawnFrom ? Math.min(chunk, drawnFrom - position) : chunk);
  }

  #work(position: number, count: number): StageWork {
    const { promptTokens } = this.plan;
    const generated = position >= promptTokens;
    const cuts = position < this.#reached;
    this.#requested = position + count;
    // Who is in the middle does not know which drafts came true: the first row of a lap is certain, and what the next frame leaves.
    this.#certain = generated ? position + 1 : this.#requested;
    if (cuts) this.#computed = position;
    return { position, count, logits: this.isLast && (generated ? 'all' : this.#requested >= promptTokens), cuts, acceptedTo: position };
  }

  #frame(kind: 'rows' | 'ids' | 'drafts', position: number, count: number, payload: Uint8Array): Frame {
    return { kind, job: this.plan.job, planVersion: this.plan.version, position, count, acceptedTo: position, stage: this.stage, payload };
  }
}

const NO_IDS = new Uint32Array(0);

/** Names one version of one job, here and in the engine. */
export const jobKey = (job: string, version: number): string => `${job}/${version}`;
