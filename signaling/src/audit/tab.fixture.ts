import { createECDH, createHash, webcrypto } from 'node:crypto';
import { nonceBytesToSign, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { blindBytes, blindCommitment, rowPieces } from '@ciro/core/audit/blind.ts';
import { SampledIdTally } from '@ciro/core/audit/sampled-id-tally.ts';
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { toHex } from '@ciro/core/bytes.ts';
import type { AuditId, HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import { sha256Hex } from './piece-assembler.ts';
import { toyLogits, ToyStage, TOY_HIDDEN, TOY_TABLE } from './toy-stage.fixture.ts';
import type { KeptStage, PlayedJob, Player } from './played-job.fixture.ts';
import type { Sampling } from './ports.ts';

type Message<Type extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: Type }>;
type Say = (message: WorkMessage) => void;

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Ids of a last stage's payload, of its last positions, against the toy's own logits of an auditor's rows. */
export function toyIds(payload: Uint8Array, rows: Float32Array, { sampler, promptTokens }: Sampling): SampledIds {
  const stride = 4 * TOY_HIDDEN + 4;
  const count = payload.length / stride;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const first = rows.length / TOY_HIDDEN - count;
  const ids = Uint32Array.from({ length: first + count }, (_, position) => (position < first ? NO_ID : view.getUint32((position - first) * stride + 4 * TOY_HIDDEN, true)));
  const tally = new SampledIdTally(ids, { sampler, promptTokens, delta: deltaOf(TOY_TABLE) });
  for (const position of tally.positions) tally.add(position, toyLogits(rows.slice(position * TOY_HIDDEN, (position + 1) * TOY_HIDDEN)));
  return tally.result;
}

interface TabAudit {
  readonly task: Message<'audit'>;
  readonly inputs: Map<number, Uint8Array[]>;
  readonly payloads: Map<number, Uint8Array[]>;
  rows?: Float32Array;
  salt?: string;
  open: boolean;
}

/** A scripted tab at the other end of the message port. An honest one, as long as a test does not replace its answers. */
export class Tab implements Player {
  readonly node: NodeId;
  readonly devicePublicKey: string;
  readonly nonce: string | null;
  readonly #key: webcrypto.CryptoKey;
  readonly #jobs = new Map<string, { readonly record: PlayedJob['record']; readonly stage: number; kept: KeptStage | undefined }>();
  readonly #audits = new Map<AuditId, TabAudit>();
  readonly engine: 'wasm' | 'webgpu';
  /** Set by the network. */
  say: Say = () => undefined;
  /** A test may answer in its stead: true when it has. */
  instead: (message: CoordinatorMessage, tab: Tab) => boolean = () => false;
  /** Changes the rows of its audits before it commits to them. */
  bend: (rows: Float32Array) => Float32Array = (rows) => rows;
  /** Changes what it says, message by message; undefined says nothing. */
  word: (message: WorkMessage) => WorkMessage | undefined = (message) => message;

  private constructor(node: NodeId, keys: { key: webcrypto.CryptoKey; publicKey: string }, options: { nonce: string | null; engine: 'wasm' | 'webgpu' }) {
    this.node = node;
    this.#key = keys.key;
    this.devicePublicKey = keys.publicKey;
    this.nonce = options.nonce;
    this.engine = options.engine;
  }

  static async make(node: NodeId, options: { nonce?: string | null; engine?: 'wasm' | 'webgpu' } = {}): Promise<Tab> {
    // The same key in every run: it is in the plan, and everything drawn follows from that.
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(createHash('sha256').update(node).digest());
    const point = pair.getPublicKey();
    const [x, y, d] = [point.subarray(1, 33), point.subarray(33), pair.getPrivateKey()].map((part) => part.toString('base64url'));
    const key = await webcrypto.subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d: d ?? '' }, CURVE, false, ['sign']);
    return new Tab(node, { key, publicKey: toHex(point) }, { nonce: options.nonce === undefined ? node.slice(-2).repeat(32) : options.nonce, engine: options.engine ?? 'wasm' });
  }

  keep({ record, kept }: PlayedJob, stage: number): void {
    this.#jobs.set(record.signed.plan.job, { record, stage, kept: kept[stage] });
  }

  async sign(bytes: Uint8Array): Promise<string> {
    return toHex(new Uint8Array(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, this.#key, Uint8Array.from(bytes))));
  }

  async receive(message: CoordinatorMessage): Promise<void> {
    if (this.instead(message, this)) return;
    switch (message.type) {
      case 'reveal':
        return this.open(message);
      case 'supply':
        return this.supply(message);
      case 'audit':
        this.#audits.set(message.audit, { task: message, inputs: new Map(), payloads: new Map(), open: false });
        return;
      case 'piece':
        return this.#piece(message);
      case 'audit-open': {
        const audit = this.#audits.get(message.audit);
        if (audit === undefined) return;
        audit.open = true;
        return this.#openIfReady(audit);
      }
      default:
    }
  }

  async open({ job, version, roots }: Message<'reveal'>): Promise<void> {
    const known = this.#jobs.get(job);
    if (known === undefined || this.nonce === null) return;
    const { planHash, signed: { plan } } = known.record;
    const rootsHash = rootsHashOf({ network: plan.network, job, planHash, roots });
    const signature = await this.sign(nonceBytesToSign({ network: plan.network, job, planHash, rootsHash, nonce: this.nonce }));
    this.#say({ type: 'nonce', job, version, rootsHash, nonce: this.nonce, signature });
  }

  supply({ audit, job, side, from = 0, units }: Message<'supply'>): void {
    const pieces = this.#jobs.get(job)?.kept?.[side];
    if (pieces === undefined) return this.#say({ type: 'supply-refused', audit, side, code: 'not-kept', message: 'no rows any more' });
    pieces.slice(from, units).forEach((bytes, index) => this.sayPiece(audit, side, from + index, bytes));
  }

  /** Says a piece in parts of at most `part` bytes. */
  sayPiece(audit: AuditId, side: 'input' | 'payload' | 'rows', unit: number, bytes: Uint8Array, part = 300): void {
    for (let offset = 0; offset < bytes.length; offset += part) this.#say({ type: 'piece', audit, side, unit, sha256: sha256Hex(bytes), offset, total: bytes.length, bytes: Uint8Array.from(bytes.subarray(offset, offset + part)) });
  }

  async #piece({ audit: id, side, unit, bytes }: Message<'piece'>): Promise<void> {
    const audit = this.#audits.get(id);
    if (audit === undefined) return;
    const pieces = side === 'input' ? audit.inputs : audit.payloads;
    pieces.set(unit, [...(pieces.get(unit) ?? []), Uint8Array.from(bytes)]);
    if (side === 'payload') return this.#openIfReady(audit);
    const inputs = whole(audit.inputs);
    const { layers, positions } = audit.task;
    if (inputs.length < positions * (layers[0] === 0 ? 4 : 4 * TOY_HIDDEN) || audit.rows !== undefined) return;
    audit.rows = this.bend(new ToyStage(layers).all(inputs));
    audit.salt = id;
    await this.#blind(audit);
  }

  async #blind({ task, rows, salt }: TabAudit): Promise<void> {
    const { audit, job, planHash, stage } = task;
    const commitment = blindCommitment({ network: 'ciro-test', audit, job, planHash, stage, auditor: this.node, salt: salt ?? '', rows: hashesOf(lookedAt(task, rows)) });
    this.#say({ type: 'audit-blind', audit, engine: this.engine, commitment, signature: await this.sign(blindBytes(commitment)) });
  }

  #openIfReady({ task, rows, salt, open, payloads }: TabAudit): void {
    const { audit, positions, sampling, from = 0 } = task;
    const payload = whole(payloads);
    if (!open || rows === undefined || (sampling !== null && payload.length < (positions - from) * (4 * TOY_HIDDEN + 4))) return;
    const looked = lookedAt(task, rows);
    rowPieces(looked, TOY_HIDDEN).forEach((bytes, index) => this.sayPiece(audit, 'rows', from / UNIT_POSITIONS + index, bytes));
    this.#say({ type: 'audit-opened', audit, salt: salt ?? '', rows: hashesOf(looked), ids: sampling === null ? null : toyIds(payload, rows, sampling) });
  }

  #say(message: WorkMessage): void {
    const said = this.word(message);
    if (said !== undefined) this.say(said);
  }
}

const whole = (parts: ReadonlyMap<number, readonly Uint8Array[]>): Uint8Array => Uint8Array.from(Buffer.concat([...parts].sort(([a], [b]) => a - b).flatMap(([, bytes]) => bytes)));
const hashesOf = (rows: Float32Array): HexHash[] => rowPieces(rows, TOY_HIDDEN).map(sha256Hex);
const lookedAt = ({ from = 0 }: Message<'audit'>, rows: Float32Array = new Float32Array(0)): Float32Array => rows.subarray(from * TOY_HIDDEN);
