import { blindBytes, blindCommitment } from '@ciro/core/audit/blind.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import type { AuditId, HexHash, NodeId } from '@ciro/core/ids.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { Worker } from '../sessions/worker.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { AUDIT_LOAD_MS, AUDIT_POSITION_LAYER_MS, OPENING_MS, OPENING_PER_ID_MS, SLOWEST_BYTES_PER_MS } from './audit-limits.ts';
import { Ending } from './ending.ts';
import { sendingMs, sendPieces } from './paced-sender.ts';
import { PieceAssembler } from './piece-assembler.ts';
import { refusal } from './refusal.ts';
import { idsChecked } from './stage-case.ts';
import type { AuditMessage } from './exchanges.ts';
import type { Piece } from './piece-assembler.ts';
import type { Refusal } from './refusal.ts';
import type { StageCase } from './stage-case.ts';
import type { StagePieces, SupplyDeps } from './supply.ts';

/** What an auditor committed to unseen, opened. The signature is verified, and the opening is the commitment's. */
export interface Answer {
  readonly audit: AuditId;
  readonly auditor: NodeId | 'coordinator';
  readonly devicePublicKey: string;
  readonly engine: 'wasm' | 'webgpu' | 'reference';
  readonly commitment: HexHash;
  readonly signature: string;
  /** 16 bytes, hex. */
  readonly salt: string;
  /** Its rows, one piece a unit. */
  readonly rows: readonly Piece[];
  readonly ids: SampledIds | null;
}

/** Why there is no answer. `refused` and `left` are nobody's fault; who was silent or opened something else rests. */
export type NoAnswer = 'refused' | 'left' | 'silent' | 'forged';

type State =
  | { readonly at: 'blind' }
  | { readonly at: 'verifying' }
  | { readonly at: 'opening'; readonly engine: 'wasm' | 'webgpu'; readonly commitment: HexHash; readonly signature: string };

type Opened = Extract<AuditMessage, { type: 'audit-opened' }>;
type Blind = Extract<AuditMessage, { type: 'audit-blind' }>;

/**
 * One auditor's look at one stage (SPEC A4): inputs, then its commitment, then root and leaves (and the payload with its ids, on
 * the last stage), then its rows and the opening. Driven by its messages; what comes twice or out of turn changes nothing.
 */
export class Auditing {
  readonly audit: AuditId;
  readonly #deps: SupplyDeps;
  readonly #record: JobRecord;
  readonly #stage: StageCase;
  readonly #pieces: StagePieces;
  readonly #auditor: Worker;
  readonly #rows: PieceAssembler;
  readonly #ending: Ending<Answer | NoAnswer>;
  readonly #close: () => void;
  #stopSending: () => void = () => undefined;
  #state: State = { at: 'blind' };

  constructor(deps: SupplyDeps, about: { record: JobRecord; stage: StageCase; pieces: StagePieces; auditor: Worker }, signal: AbortSignal) {
    const { record, stage, pieces, auditor } = about;
    this.audit = deps.newAuditId();
    this.#deps = deps;
    this.#record = record;
    this.#stage = stage;
    this.#pieces = pieces;
    this.#auditor = auditor;
    this.#rows = new PieceAssembler('rows', this.#units.map(({ unit, from, to }) => ({ unit, bytes: (to - from) * stage.channels * 4 })));
    this.#ending = new Ending(deps.clock, signal);
    this.#close = deps.exchanges.open(this.audit, auditor.nodeId, { take: (message) => this.#take(message), left: () => this.#ending.end('left'), isOver: () => this.#ending.over });
  }

  /** Sends the task and gives what comes of it. The auditor is told when nobody waits for it any more. */
  async run(): Promise<Answer | NoAnswer> {
    const { plan } = this.#record.signed;
    const { stage, layers, sampling } = this.#stage;
    const positions = this.#positions;
    const first = this.#stage.prefix.length;
    const inputBytes = this.#pieces.inputs.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const work = AUDIT_LOAD_MS + positions * (layers[1] - layers[0]) * AUDIT_POSITION_LAYER_MS;
    this.#ending.within(work + sendingMs(inputBytes, this.#pieces.inputs.length, SLOWEST_BYTES_PER_MS), () => this.#ending.end('silent'));
    this.#send({ type: 'audit', audit: this.audit, job: plan.job, planHash: this.#record.planHash, stage, modelId: plan.modelId, layers: [...layers], positions, ...(first > 0 && { from: first * UNIT_POSITIONS }), sampling });
    this.#stopSending = sendPieces(this.#deps, this.#auditor.nodeId, { audit: this.audit, side: 'input' }, this.#pieces.inputs);
    let answered = false;
    try {
      const result = await this.#ending.result;
      answered = typeof result !== 'string' || result === 'refused';
      return result;
    } finally {
      this.#stopSending();
      this.#close();
      if (!answered) this.#send({ type: 'audit-cancelled', audit: this.audit });
    }
  }

  get #units(): StageCase['units'] {
    return this.#stage.units.slice(0, this.#pieces.payloads.length);
  }

  get #positions(): number {
    return this.#units.at(-1)?.to ?? 0;
  }

  #send(message: Parameters<SupplyDeps['workers']['send']>[1]): void {
    this.#deps.workers.send(this.#auditor.nodeId, message);
  }

  #take(message: AuditMessage): Refusal | undefined {
    switch (message.type) {
      case 'audit-refused':
        this.#ending.end('refused');
        return undefined;
      case 'audit-blind':
        if (this.#state.at !== 'blind') return refusal('not-yours', 'answered-already', `audit ${this.audit} has this auditor's commitment; a second one changes nothing`);
        this.#state = { at: 'verifying' };
        void this.#verify(message);
        return undefined;
      case 'piece':
        return this.#piece(message);
      case 'audit-opened':
        return this.#opened(message);
      case 'supply-refused':
        return refusal('not-yours', 'not-a-supplier', `audit ${this.audit} asks this worker for its own result, not for pieces`);
    }
  }

  async #verify({ engine, commitment, signature }: Blind): Promise<void> {
    if (!(await verifySignature(this.#auditor.devicePublicKey, blindBytes(commitment), signature))) {
      this.#deps.workers.offend(this.#auditor.nodeId, 'forged', 'blind-forged', `the commitment of audit ${this.audit} is not signed by this connection's device key`);
      this.#ending.end('forged');
      return;
    }
    if (this.#ending.over) return;
    this.#state = { at: 'opening', engine, commitment, signature };
    const { root, sampling } = this.#stage;
    const ids = sampling === null ? 0 : idsChecked(sampling, this.#positions);
    const bytes = this.#units.reduce((sum, { payloadBytes }) => sum + payloadBytes * (sampling === null ? 1 : 2), 0);
    this.#ending.within(OPENING_MS + ids * OPENING_PER_ID_MS + sendingMs(bytes, 2 * this.#units.length, SLOWEST_BYTES_PER_MS), () => this.#ending.end('silent'));
    this.#send({ type: 'audit-open', audit: this.audit, root, leaves: this.#stage.units.map(({ leafHash }) => leafHash) });
    this.#stopSending();
    if (sampling !== null) this.#stopSending = sendPieces(this.#deps, this.#auditor.nodeId, { audit: this.audit, side: 'payload' }, this.#pieces.payloads, this.#stage.prefix.length);
  }

  #piece(message: Extract<AuditMessage, { type: 'piece' }>): Refusal | undefined {
    if (this.#state.at !== 'opening') return refusal('not-yours', 'piece-early', `rows of audit ${this.audit} before its commitment was taken`);
    const refused = this.#rows.take(message);
    // Who sends wrong rows once has no right ones to follow: another auditor is asked.
    if (refused !== undefined) this.#ending.end('forged');
    return refused;
  }

  #opened(message: Opened): Refusal | undefined {
    const state = this.#state;
    if (state.at !== 'opening') return refusal('not-yours', 'opened-early', `audit ${this.audit} was opened before its commitment was taken`);
    const rows = this.#rows.pieces();
    const found = rows === undefined ? refusal('forged', 'opening-incomplete', `audit ${this.audit} was opened without all of its rows`) : this.#look(message, rows, state.commitment);
    if (found !== undefined || rows === undefined) {
      this.#ending.end('forged');
      return found;
    }
    const { engine, commitment, signature } = state;
    const { nodeId: auditor, devicePublicKey } = this.#auditor;
    this.#ending.end({ audit: this.audit, auditor, devicePublicKey, engine, commitment, signature, salt: message.salt, rows, ids: message.ids });
    return undefined;
  }

  /** The opening must be of these rows, give the commitment, and speak of exactly the ids that were to be looked at. */
  #look({ salt, rows: named, ids }: Opened, rows: readonly Piece[], commitment: HexHash): Refusal | undefined {
    const { plan } = this.#record.signed;
    const about = { network: plan.network, audit: this.audit, job: plan.job, planHash: this.#record.planHash, stage: this.#stage.stage, auditor: this.#auditor.nodeId };
    const holds = named.length === rows.length && named.every((hash, unit) => hash === rows[unit]?.sha256) && blindCommitment({ ...about, salt, rows: named }) === commitment;
    if (!holds) return refusal('forged', 'opening-forged', `the opening of audit ${this.audit} is not what was committed to`);
    const { sampling } = this.#stage;
    if ((sampling === null) !== (ids === null)) return refusal('forged', 'ids-unasked', `audit ${this.audit} ${ids === null ? 'lacks' : 'has'} a word on the sampled ids`);
    if (sampling === null || ids === null) return undefined;
    const right = ids.checked === idsChecked(sampling, this.#positions) && ids.ambiguous <= ids.checked && ids.wrong.every(({ position }) => position < this.#positions);
    return right ? undefined : refusal('forged', 'ids-out-of-place', `audit ${this.audit} looked at ${ids.checked} ids; ${idsChecked(sampling, this.#positions)} were to be looked at`);
  }
}

