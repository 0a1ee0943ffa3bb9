import { sha256 } from '@noble/hashes/sha2.js';
import { toBase64, toHex, utf8 } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { NO_ID, UnitCommitter } from '@ciro/core/commitment/unit-committer.ts';
import { payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { cachedPositions, firstUnitOf, planHashOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import { acknowledgementBytes, disagreementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { ClosedUnit } from '@ciro/core/commitment/unit-committer.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { Receipt } from '@ciro/core/receipt/receipt.ts';

/** Channels of the fabricated model. */
export const SCRIPTED_HIDDEN = 8;
export const SCRIPTED_TABLE: CalibrationTable = {
  version: 1,
  hidden: SCRIPTED_HIDDEN,
  exponents: new Int8Array(40 * SCRIPTED_HIDDEN),
  exponentsAtZero: new Int8Array(40 * SCRIPTED_HIDDEN),
  tauExponent: -12,
  tauExponentAtZero: -12,
  deltaExponent: -8,
};

/** The id that the fabricated model gives after a position. */
export const scriptedId = (position: number): number => 100 + (position % 50);

/** Added to the ids that a stage with `wrongFrom` draws: none of them is ever a right one. */
export const WRONG_ID_OFFSET = 60;

/** The row that the fabricated model has at a boundary, whatever went in: layers `[…, boundary)`. */
export const scriptedRow = (position: number, boundary: number): Float32Array =>
  Float32Array.from({ length: SCRIPTED_HIDDEN }, (_, channel) => ((position * 31 + boundary * 17 + channel * 7) % 97) / 13 - 3);

/** What a stage needs of the worker it runs on. */
export interface StageHost {
  readonly nodeId: NodeId;
  send(message: WorkerMessage): void;
  sendFrame(to: NodeId, frame: Frame): void;
  sign(bytes: Uint8Array): Promise<string>;
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  signRoot(root: { network: string; job: string; planHash: string; stage: number; root: string }): string;
}

/** Ways in which a stage may misbehave. */
export interface Misbehaviour {
  /** Signs receipts with a wrong signature. */
  readonly forgeReceipts?: boolean;
  /** Says nothing more from this position on. */
  readonly silentFrom?: number;
  /** Sends every token twice, then one for a later position, then one of an unknown job. */
  readonly babble?: boolean;
  /** Passes other ids round the ring than it reports to the coordinator. */
  readonly lyingIds?: boolean;
  /** Sends other rows on than it commits to. */
  readonly lyingRows?: boolean;
  /** Commits to rows of its own making from this position on, and draws other ids. */
  readonly wrongFrom?: number;
}

const idBytes = (id: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id, true);
  return bytes;
};

/** One stage of one job over fabricated rows, with real commitments, receipts and roots. */
export class ScriptedStage {
  readonly #host: StageHost;
  readonly #signed: SignedPlan;
  readonly #stage: number;
  readonly planHash: HexHash;
  /** The stage of the job whose cache this one goes on from. */
  readonly #before: ScriptedStage | undefined;
  readonly #committer: UnitCommitter;
  readonly #misbehaviour: Misbehaviour;
  readonly #prompt: number[];
  readonly #rows: Float32Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  /** Ids by the position they follow. */
  readonly #ids = new Map<number, number>();
  readonly #closed: ClosedUnit[] = [];
  readonly #salts: string[] = [];
  readonly #waitingReceipts: Receipt[] = [];
  #signing: Promise<void> = Promise.resolve();
  #finished = false;
  #givesHistory: boolean;

  constructor(host: StageHost, signed: SignedPlan, stage: number, promptIds: Uint8Array | null, misbehaviour: Misbehaviour, before?: ScriptedStage) {
    this.#host = host;
    this.#signed = signed;
    this.#stage = stage;
    this.planHash = planHashOf(signed.plan);
    this.#before = before;
    this.#misbehaviour = misbehaviour;
    this.#givesHistory = signed.plan.prefix?.rebuilds === stage + 1;
    this.#committer = new UnitCommitter(boundaryGrid(SCRIPTED_TABLE, this.#layers[1] + (this.#isLast ? 1 : 0)), { samples: this.#isLast, first: reusedPositions(signed.plan) });
    const view = promptIds === null ? undefined : new DataView(promptIds.buffer, promptIds.byteOffset, promptIds.byteLength);
    this.#prompt = view === undefined ? [] : Array.from({ length: view.byteLength / 4 }, (_, index) => view.getUint32(index * 4, true));
  }

  start(): void {
    for (let from = cachedPositions(this.#plan, this.#stage); from < this.#prompt.length; from += PREFILL_CHUNK_POSITIONS) this.#embed(from, this.#prompt.slice(from, from + PREFILL_CHUNK_POSITIONS));
  }

  frame(frame: Frame): void {
    const view = new DataView(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength);
    if (this.#finished && frame.kind !== 'receipt') {
      // The last id, which the coordinator's `finish` overtook: the last receipt is judged by it.
      if (frame.kind === 'ids') this.#ids.set(frame.position, view.getUint32(0, true));
      return this.#answerReceipts();
    }
    if (frame.kind === 'receipt') {
      this.#waitingReceipts.push(JSON.parse(new TextDecoder().decode(frame.payload)) as Receipt);
      this.#answerReceipts();
    } else if (frame.kind === 'ids') {
      this.#take(frame.position, view.getUint32(0, true));
    } else {
      const width = SCRIPTED_HIDDEN * 4;
      const inputs = Array.from({ length: frame.count }, (_, row) => frame.payload.slice(row * width, (row + 1) * width));
      this.#compute(frame.position, inputs, frame.acceptedTo);
    }
  }

  finish(acceptedTo: number): void {
    this.#finished = true;
    this.#accept(acceptedTo);
    this.#unit(this.#committer.close());
    this.#signing = this.#signing.then(() => this.#root());
  }

  /** What a unit's hash is over: the bytes that were given to it, or those it committed to (SPEC U2). */
  piece(side: 'input' | 'payload', unit: number): Uint8Array {
    if (unit < firstUnitOf(this.#plan) && this.#before !== undefined) return this.#before.piece(side, unit);
    const history = unit < firstUnitOf(this.#plan) ? { from: unit * UNIT_POSITIONS, to: (unit + 1) * UNIT_POSITIONS } : undefined;
    const { from, to } = history ?? this.#closed.find((each) => each.unit === unit) ?? { from: 0, to: 0 };
    const positions = Array.from({ length: to - from }, (_, index) => from + index);
    const parts = positions.map((position) => (side === 'input' ? this.#inputs[position] : new Uint8Array((this.#rows[position] as Float32Array).buffer)) as Uint8Array);
    const bytes = new Uint8Array(Buffer.concat(parts));
    return side === 'payload' && this.#isLast ? payloadWithIds(bytes, new Uint8Array(Uint32Array.from(positions, (position) => this.#ids.get(position) ?? NO_ID).buffer)) : bytes;
  }

  get #plan(): SignedPlan['plan'] {
    return this.#signed.plan;
  }

  get #isLast(): boolean {
    return this.#stage === this.#plan.stages.length - 1;
  }

  get #layers(): readonly [number, number] {
    return (this.#plan.stages[this.#stage] as SignedPlan['plan']['stages'][number]).layers;
  }

  #isWrong(position: number): boolean {
    return position >= (this.#misbehaviour.wrongFrom ?? Number.POSITIVE_INFINITY);
  }

  #neighbour(offset: number): { worker: NodeId; devicePublicKey: string } {
    const { stages } = this.#plan;
    return stages[(this.#stage + offset + stages.length) % stages.length] as SignedPlan['plan']['stages'][number];
  }

  #embed(position: number, ids: readonly number[]): void {
    this.#compute(position, ids.map(idBytes), position);
  }

  #compute(position: number, inputs: readonly Uint8Array[], acceptedTo: number): void {
    const { promptTokens } = this.#plan;
    const { silentFrom } = this.#misbehaviour;
    if (silentFrom !== undefined && position + inputs.length > silentFrom) return;
    inputs.forEach((input, index) => {
      this.#inputs[position + index] = input;
      this.#rows[position + index] = scriptedRow(position + index, this.#layers[1]).map((value) => (this.#isWrong(position + index) ? value / 2 : value));
    });
    // A rebuilt stage is given the history for its cache alone (SPEC V9).
    if (position < reusedPositions(this.#plan)) return;
    this.#giveHistory();
    this.#accept(acceptedTo);
    const last = position + inputs.length - 1;
    if (!this.#isLast) {
      const payload = new Uint8Array(inputs.length * SCRIPTED_HIDDEN * 4);
      inputs.forEach((_, index) => payload.set(new Uint8Array((this.#rows[position + index] as Float32Array).buffer), index * SCRIPTED_HIDDEN * 4));
      if (this.#misbehaviour.lyingRows === true) payload[0] = (payload[0] ?? 0) ^ 1;
      this.#sendFrame('rows', position, inputs.length, payload);
    } else if (last >= promptTokens - 1) {
      this.#sample(last);
    }
  }

  #giveHistory(): void {
    if (!this.#givesHistory) return;
    this.#givesHistory = false;
    for (let from = 0; from < reusedPositions(this.#plan); from += PREFILL_CHUNK_POSITIONS) {
      const rows = Array.from({ length: PREFILL_CHUNK_POSITIONS }, (_, index) => [...scriptedRow(from + index, this.#layers[1])]).flat();
      this.#sendFrame('rows', from, PREFILL_CHUNK_POSITIONS, new Uint8Array(Float32Array.from(rows).buffer));
    }
  }

  #sample(position: number): void {
    const { job, version } = this.#plan;
    const id = scriptedId(position) + (this.#isWrong(position) ? WRONG_ID_OFFSET : 0);
    const token = { type: 'token', job, version, position, id } as const;
    const passedOn = this.#misbehaviour.lyingIds === true ? id + 1 : id;
    this.#ids.set(position, passedOn);
    this.#host.send(token);
    if (this.#misbehaviour.babble === true) {
      this.#host.send(token);
      this.#host.send({ ...token, position: position + 7 });
      this.#host.send({ ...token, job: 'f'.repeat(32) as typeof job });
    }
    if (this.#plan.stages.length === 1) setImmediate(() => this.#finished || this.#take(position, passedOn));
    else this.#sendFrame('ids', position, 1, idBytes(passedOn));
  }

  /** The first stage goes on after an id, unless the answer ends there. */
  #take(position: number, id: number): void {
    const { promptTokens, maxTokens, stopIds } = this.#plan;
    this.#ids.set(position, id);
    this.#accept(position);
    if (!stopIds.includes(id) && position + 1 < promptTokens + maxTokens - 1) this.#embed(position + 1, [id]);
  }

  #accept(to: number): void {
    for (let position = this.#committer.next; position < to && this.#rows[position] !== undefined; position++) {
      this.#unit(this.#committer.accept(position, this.#inputs[position] as Uint8Array, this.#rows[position] as Float32Array, this.#ids.get(position) ?? NO_ID));
    }
  }

  #unit(closed: ClosedUnit | undefined): void {
    if (closed === undefined) return;
    this.#closed.push(closed);
    this.#salts.push(toHex(crypto.getRandomValues(new Uint8Array(16))));
    const { network, job, stages } = this.#plan;
    const { unit, from, to, inputHash, payloadHash, linkHash, canonHash, hintHash, hints } = closed;
    const hashes = { inputHash, payloadHash, linkHash } as Record<'inputHash' | 'payloadHash' | 'linkHash', HexHash>;
    const body = { network, job, planHash: this.planHash, stage: this.#stage, worker: this.#host.nodeId, unit, from, to, ...hashes };
    this.#signing = this.#signing.then(async () => {
      const signature = this.#misbehaviour.forgeReceipts === true ? 'ab'.repeat(64) : await this.#host.sign(receiptBytes(body));
      const receipt = { body, signature };
      this.#host.send({ type: 'unit', receipt, canonHash: canonHash as HexHash, hintHash: hintHash as HexHash, hints: toBase64(hints) });
      if (stages.length > 1) this.#sendFrame('receipt', 0, 0, utf8(JSON.stringify(receipt)));
    });
    this.#answerReceipts();
  }

  /** Acknowledges receipts of the upstream neighbour for units that this stage has closed itself, and all of whose ids came. */
  #answerReceipts(): void {
    for (const receipt of this.#waitingReceipts.splice(0)) {
      const own = this.#closed.find((unit) => unit.unit === receipt.body.unit);
      if (own === undefined || !this.#hasIds(receipt.body)) this.#waitingReceipts.push(receipt);
      else this.#signing = this.#signing.then(() => this.#answer(receipt, own));
    }
  }

  #hasIds({ from, to }: Receipt['body']): boolean {
    const drawnFrom = Math.max(from, this.#plan.promptTokens - 1);
    return this.#stage !== 0 || Array.from({ length: Math.max(0, to - drawnFrom) }, (_, index) => drawnFrom + index).every((position) => this.#ids.has(position));
  }

  async #answer(receipt: Receipt, own: ClosedUnit): Promise<void> {
    const { job } = this.#plan;
    const { from, to, linkHash } = receipt.body;
    if (!(await this.#host.verify(this.#neighbour(-1).devicePublicKey, receiptBytes(receipt.body), receipt.signature))) return;
    const mine = (this.#stage === 0 ? toHex(sha256(Uint8Array.from(Array.from({ length: to - from }, (_, index) => [...idBytes(this.#ids.get(from + index) ?? NO_ID)]).flat()))) : own.inputHash) as HexHash;
    const hash = receiptHash(receipt.body);
    const signer = this.#host.nodeId;
    if (mine === linkHash) this.#host.send({ type: 'acknowledge', job, acknowledgement: { receiptHash: hash, signer, signature: await this.#host.sign(acknowledgementBytes(hash, signer)) } });
    else this.#host.send({ type: 'disagree', job, receipt, linkHash: mine, signature: await this.#host.sign(disagreementBytes(hash, signer, mine)) });
  }

  #root(): void {
    const { network, job, modelId, precision } = this.#plan;
    const context = { network, worker: this.#host.nodeId, job, planHash: this.planHash, stage: this.#stage, modelId, precision };
    const root = merkleRoot(this.#closed.map((unit, index) => leafHash(context, unit, this.#salts[index] ?? '')));
    const signature = this.#host.signRoot({ network, job, planHash: this.planHash, stage: this.#stage, root });
    const none = { p50: 0, p95: 0 };
    this.#host.send({
      type: 'root',
      job,
      planHash: this.planHash,
      stage: this.#stage,
      root,
      signature,
      salts: this.#salts,
      stats: { engine: 'wasm', decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 },
    });
  }

  #sendFrame(kind: Frame['kind'], position: number, count: number, payload: Uint8Array): void {
    const { job, version } = this.#plan;
    this.#host.sendFrame(this.#neighbour(1).worker, { kind, job, planVersion: version, position, count, acceptedTo: position, stage: this.#stage, payload });
  }
}
