import { createHash } from 'node:crypto';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { toBase64 } from '@ciro/core/bytes.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { NO_ID, UNIT_POSITIONS, UnitCommitter } from '@ciro/core/commitment/unit-committer.ts';
import { planHashOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import type { ClosedUnit } from '@ciro/core/commitment/unit-committer.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import { idBytes } from '../scheduler/build-plan.ts';
import type { JobRecord, StageRecord, UnitRecord } from '../scheduler/job-order.ts';
import { toyId, ToyStage, TOY_HIDDEN, TOY_LAYERS, TOY_MODEL_ID, TOY_TABLE } from './toy-stage.fixture.ts';

export const TEST_NETWORK = 'ciro-test';
export const COORDINATOR_NONCE = '0c'.repeat(32);
const SIGNATURE = 'ab'.repeat(64);

/** Who serves a stage, and the nonce it fixed. */
export interface Player {
  readonly node: NodeId;
  readonly devicePublicKey: string;
  readonly nonce: string | null;
}

export interface JobWish {
  readonly job: JobId;
  readonly players: readonly Player[];
  readonly prompt: readonly number[];
  readonly tokens: number;
  /** Nonce of the requester's client. */
  readonly requesterNonce?: string;
  /** Changes what a stage computed before it commits to it and passes it on. */
  readonly cheat?: (stage: number, position: number, row: Float32Array) => Float32Array;
  /** Changes what a stage works from, while it acknowledges what it was given. */
  readonly misread?: (stage: number, position: number, input: number | Float32Array) => number | Float32Array;
  /** Changes the sampled id. */
  readonly misdraw?: (position: number, id: number) => number;
  readonly promptToken?: string;
  /** A job of the same players that its plan names as prefix, and up to which position. */
  readonly prefix?: { readonly job: PlayedJob; readonly positions: number };
  /** Changes what a stage's kept cache was made from. */
  readonly miscache?: (stage: number, input: number | Float32Array) => number | Float32Array;
}

/** Bytes that a stage's worker keeps, one a unit, those of its prefix included. */
export interface KeptStage {
  readonly input: readonly Uint8Array[];
  readonly payload: readonly Uint8Array[];
}

/** A job as the scheduler records it, computed by the toy model, and what its workers keep. */
export interface PlayedJob {
  readonly record: JobRecord;
  readonly kept: readonly KeptStage[];
}

const floatBytes = (row: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(Float32Array.from(row).buffer);
const concat = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(parts));

export function playJob(wish: JobWish): PlayedJob {
  const { players, prompt, tokens } = wish;
  const count = players.length;
  const layers = players.map((_, stage): [number, number] => [Math.floor((stage * TOY_LAYERS) / count), Math.floor(((stage + 1) * TOY_LAYERS) / count)]);
  const plan: JobPlan = {
    ...{ format: 2, network: TEST_NETWORK, job: wish.job, version: 1, modelId: TOY_MODEL_ID, precision: 'f32' },
    stages: players.map(({ node, devicePublicKey, nonce }, stage) => ({ worker: node, devicePublicKey, layers: layers[stage] as [number, number], nonce: nonce === null ? null : nonceCommitment(nonce) })),
    sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    promptHash: '00'.repeat(32) as HexHash,
    ...{ promptTokens: prompt.length, maxTokens: tokens, stopIds: [] },
    ...(wish.prefix === undefined ? {} : { prefix: { job: wish.prefix.job.record.signed.plan.job, planHash: wish.prefix.job.record.planHash, positions: wish.prefix.positions } }),
    quote: { promptToken: wish.promptToken ?? '600', generatedToken: '2400', feeBasisPoints: '250', hold: '100000' },
    nonces: { coordinator: nonceCommitment(COORDINATOR_NONCE), requester: wish.requesterNonce === undefined ? null : nonceCommitment(wish.requesterNonce) },
  };
  const planHash = planHashOf(plan);
  const ids = [...prompt];
  const reused = reusedPositions(plan);
  const stages = players.map((_, stage) => new StagePlay(stage, count, layers[stage] as [number, number], { before: wish.prefix?.job.kept[stage], reused, miscache: (input) => wish.miscache?.(stage, input) ?? input }));
  for (let position = reused; position < prompt.length + tokens - 1; position++) {
    let value: number | Float32Array = ids[position] as number;
    for (const play of stages) {
      const given = wish.misread?.(play.stage, position, value) ?? value;
      const row = play.engine.next(given);
      const out = wish.cheat?.(play.stage, position, row) ?? row;
      let id = NO_ID;
      if (play.last && position >= prompt.length - 1) {
        id = wish.misdraw?.(position, toyId(out)) ?? toyId(out);
        ids.push(id);
      }
      play.accept(position, given, out, id);
      value = out;
    }
  }
  const closed = stages.map((play) => play.close());
  const salt = '0f'.repeat(16);
  const records = closed.map(({ units }, stage): StageRecord => {
    const worker = plan.stages[stage]?.worker as NodeId;
    const context = { network: plan.network, worker, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision };
    return {
      ...{ worker, layers: layers[stage] as [number, number], link: 'direct' },
      units: units.map((unit) => unitRecord(plan, planHash, stage, unit)),
      paidPositions: prompt.length + tokens - 1 - reused,
      root: { root: merkleRoot(units.map((unit) => leafHash(context, unit, salt))), signature: SIGNATURE, salts: units.map(() => salt) },
    };
  });
  return {
    kept: closed.map(({ kept }) => kept),
    record: { signed: { plan, signature: SIGNATURE }, planHash, coordinatorNonce: COORDINATOR_NONCE, promptIds: prompt, tokenIds: ids.slice(prompt.length), surplusIds: [], finish: 'length', stages: records, disagreements: [], ttftMs: 1, tokensPerSecond: 1 },
  };
}

function unitRecord(plan: JobPlan, planHash: HexHash, stage: number, unit: ClosedUnit): UnitRecord {
  const { from, to, inputHash, payloadHash, linkHash, canonHash, hintHash, hints } = unit;
  const next = plan.stages[(stage + 1) % plan.stages.length];
  const body = { network: plan.network, job: plan.job, planHash, stage, worker: plan.stages[stage]?.worker as NodeId, unit: unit.unit, from, to, inputHash: inputHash as HexHash, payloadHash: payloadHash as HexHash, linkHash: linkHash as HexHash };
  return {
    receipt: { body, signature: SIGNATURE },
    receiptValid: true,
    ...{ canonHash: canonHash as HexHash, hintHash: hintHash as HexHash, hintBytes: hints.length, hints: toBase64(hints) },
    acknowledgement: { receiptHash: createHash('sha256').update(payloadHash).digest('hex') as HexHash, signer: next?.worker ?? 'coordinator', signature: SIGNATURE },
    acknowledgementValid: true,
  };
}

/** One stage while a job is played. */
class StagePlay {
  readonly stage: number;
  readonly last: boolean;
  readonly engine: ToyStage;
  readonly #committer: UnitCommitter;
  readonly #units: ClosedUnit[] = [];
  readonly #rows: { readonly input: Uint8Array; readonly payload: Uint8Array }[] = [];

  readonly #first: number;
  readonly #before: KeptStage;

  constructor(stage: number, stages: number, layers: readonly [number, number], cache: { readonly before: KeptStage | undefined; readonly reused: number; readonly miscache: (input: number | Float32Array) => number | Float32Array }) {
    this.stage = stage;
    this.last = stage === stages - 1;
    this.engine = new ToyStage(layers);
    this.#committer = new UnitCommitter(boundaryGrid(TOY_TABLE, this.last ? TOY_LAYERS + 1 : layers[1]), { samples: this.last, first: cache.reused });
    const units = cache.reused / UNIT_POSITIONS;
    this.#first = cache.reused;
    this.#before = { input: cache.before?.input.slice(0, units) ?? [], payload: cache.before?.payload.slice(0, units) ?? [] };
    const { buffer } = concat(this.#before.input);
    for (let position = 0; position < cache.reused; position++) this.engine.next(cache.miscache(stage === 0 ? (new Uint32Array(buffer)[position] ?? 0) : new Float32Array(buffer).slice(position * TOY_HIDDEN, (position + 1) * TOY_HIDDEN)));
  }

  accept(position: number, input: number | Float32Array, row: Float32Array, id: number): void {
    const bytes = typeof input === 'number' ? idBytes([input]) : floatBytes(input);
    const unit = this.#committer.accept(position, bytes, row, id);
    this.#rows.push({ input: bytes, payload: this.last ? concat([floatBytes(row), idBytes([id])]) : floatBytes(row) });
    if (unit !== undefined) this.#units.push(unit);
  }

  close(): { readonly units: readonly ClosedUnit[]; readonly kept: KeptStage } {
    const unit = this.#committer.close();
    if (unit !== undefined) this.#units.push(unit);
    const bytes = (side: 'input' | 'payload') => [...this.#before[side], ...this.#units.map(({ from, to }) => concat(this.#rows.slice(from - this.#first, to - this.#first).map((row) => row[side])))];
    return { units: this.#units, kept: { input: bytes('input'), payload: bytes('payload') } };
  }
}
