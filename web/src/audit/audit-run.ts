import { blindBytes, blindCommitment } from '@ciro/core/audit/blind.ts';
import { toHex } from '@ciro/core/bytes.ts';
import { payloadRows } from '@ciro/core/commitment/payload-rows.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { calibrationOf } from '@ciro/core/model/parse-manifest.ts';
import { AuditorError } from './audit-error.ts';
import { AUDIT_SILENT_MS } from './audit-limits.ts';
import { PieceInbox } from './piece-inbox.ts';
import { SampledIdCount } from './sampled-ids.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { AuditEngine, AuditOrder, AuditorPorts } from './audit-ports.ts';
import type { PieceIn, PieceMemory } from './piece-inbox.ts';
import type { WarmEngine } from './warm-engine.ts';

/** Random bytes of an opening's salt. */
const SALT_BYTES = 16;

/** Where an audit is, seen from the coordinator: what may come next. `closed`: nothing. */
type Phase = 'inputs' | 'computing' | 'blind' | 'opened' | 'closed';

/**
 * One audit, from its inputs to the opening (SPEC A4): runs the layers over what the audited stage was given, commits to its
 * rows before it sees anything of that stage's result, and only then opens them. What comes out of turn changes nothing.
 */
export class AuditRun {
  readonly order: AuditOrder;
  readonly #ports: AuditorPorts;
  readonly #memory: PieceMemory;
  readonly #inputs: PieceInbox;
  readonly #payload: PieceInbox;
  readonly #stopped = new AbortController();
  readonly #over = new AbortController();
  #phase: Phase = 'inputs';
  /** Set while only the coordinator can bring this further. */
  #waiting: { readonly met: () => boolean; readonly go: () => void } | undefined;
  #heard = 0;
  #rowBytes = 0;

  constructor(order: AuditOrder, ports: AuditorPorts, memory: PieceMemory) {
    this.order = order;
    this.#ports = ports;
    this.#memory = memory;
    this.#inputs = new PieceInbox('input', this.#units, memory, (bytes) => ports.digest(bytes));
    this.#payload = new PieceInbox('payload', this.#units, memory, (bytes) => ports.digest(bytes), this.#firstUnit);
  }

  /** Aborted when this audit ends for any reason but its opening; the reason is an AuditorError. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** A part of a piece. One that does not belong ends the audit with `bad-piece`. */
  piece(piece: PieceIn): void {
    // After the root was shown only payloads come, and only for the last stage.
    const inbox = this.#phase === 'opened' && this.order.sampling !== null ? this.#payload : this.#phase === 'inputs' ? this.#inputs : undefined;
    if (inbox === undefined || this.signal.aborted) return;
    this.#hear();
    try {
      inbox.accept(piece);
    } catch (error) {
      this.stop(asAuditorError(error));
    }
    this.#goOn();
  }

  /** Root and leaves were shown: the result may be opened. Once, and only after it was committed to. */
  opening(): void {
    if (this.#phase !== 'blind') return;
    this.#phase = 'opened';
    this.#hear();
    this.#goOn();
  }

  /** Ends the audit; `run` rejects with this error as soon as what it is doing is over. */
  stop(error: AuditorError): void {
    this.#stopped.abort(error);
    this.#goOn();
  }

  /** Resolves when the result was opened. Rejects with an AuditorError; nothing is held then. */
  async run(warm: WarmEngine): Promise<void> {
    void this.#watch();
    try {
      const { manifest, shape } = await this.#model();
      this.#admit(manifest, shape, warm);
      await this.#until(() => this.#inputs.complete);
      const pieces = await this.#inputs.pieces();
      this.#phase = 'computing';
      const engine = await this.#engine(manifest, shape, warm);
      try {
        const rows = await this.#compute(engine, manifest, shape, pieces);
        this.#inputs.dispose();
        await this.#answer(rows, () => this.#checkIds(engine, manifest, rows));
      } finally {
        engine.close();
        await warm.release();
      }
      this.signal.throwIfAborted();
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : asAuditorError(error);
    } finally {
      this.dispose();
    }
  }

  /** Gives back what the audit holds; also for one that never ran. */
  dispose(): void {
    this.#phase = 'closed';
    this.#over.abort();
    this.#inputs.dispose();
    this.#payload.dispose();
    this.#memory.give(this.#rowBytes);
    this.#rowBytes = 0;
    this.#goOn();
  }

  get #units(): number {
    return Math.ceil(this.order.positions / UNIT_POSITIONS);
  }

  /** Units before this one only lead to those that are looked at (SPEC V4). */
  get #firstUnit(): number {
    return (this.order.from ?? 0) / UNIT_POSITIONS;
  }

  #countOf(unit: number): number {
    return Math.min(UNIT_POSITIONS, this.order.positions - unit * UNIT_POSITIONS);
  }

  async #model(): Promise<{ manifest: ModelManifest; shape: StageShape }> {
    const { modelId, layers: [from, to], sampling, positions } = this.order;
    const manifest = await this.#ports.manifest(modelId, this.signal).catch((cause: unknown) => {
      throw new AuditorError('unknown-model', cause instanceof Error ? cause.message : String(cause), { fault: 'platform', cause });
    });
    const { layers, context } = manifest.architecture;
    const heads = to === layers;
    if (!(from < to && to <= layers) || this.#firstUnit >= this.#units || positions > context || heads !== (sampling !== null)) {
      throw new AuditorError('wrong-layers', `Layers ${from} to ${to} over ${positions} positions were asked for${sampling === null ? '' : ', with ids'}; ${manifest.name} has ${layers} layers and ${context} positions.`, { fault: 'peer' });
    }
    return { manifest, shape: stageShape({ from, to }, layers) };
  }

  /** The engine must fit beside what jobs hold; rows come out of what pieces may take. */
  #admit(manifest: ModelManifest, shape: StageShape, warm: WarmEngine): void {
    const { positions } = this.order;
    const rowBytes = 4 * (positions - (this.order.from ?? 0)) * manifest.architecture.hidden;
    const needed = this.#ports.engineBytes(manifest, shape, positions);
    const { memoryBudgetBytes } = this.#ports.identity;
    const held = this.#ports.jobBytes(needed + this.#memory.heldBytes) + this.#memory.heldBytes;
    if (held + needed > memoryBudgetBytes || !this.#memory.take(rowBytes)) {
      throw new AuditorError('over-memory', `This audit needs ${needed + rowBytes} bytes beside the ${held} that are held; this device gives ${memoryBudgetBytes}.`, { fault: 'platform' });
    }
    this.#rowBytes = rowBytes;
    if (!warm.has(this.#engineKey)) void warm.giveUp();
  }

  get #engineKey(): string {
    const { modelId, layers } = this.order;
    return `${modelId} ${layers.join('-')} ${this.#ports.provider() ?? ''}`;
  }

  async #engine(manifest: ModelManifest, shape: StageShape, warm: WarmEngine): Promise<AuditEngine> {
    const provider = this.#ports.provider();
    if (provider === undefined) throw new AuditorError('not-measured', 'This device was not measured yet; ask it again later.', { fault: 'platform' });
    const { modelId } = this.order;
    return warm.acquire(this.#engineKey, () => this.#ports.load({ modelId, manifest, shape, provider, signal: this.signal }));
  }

  /** Rows of every unit that is looked at, computed in chunks of one unit from position 0 (SPEC A4). */
  async #compute(engine: AuditEngine, manifest: ModelManifest, shape: StageShape, pieces: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const rowBytes = shape.embeds ? 4 : 4 * manifest.architecture.hidden;
    const rows: Uint8Array[] = [];
    engine.open(this.order.positions);
    for (const [unit, piece] of pieces.entries()) {
      this.signal.throwIfAborted();
      const count = this.#countOf(unit);
      if (piece.length !== count * rowBytes) throw new AuditorError('bad-piece', `Unit ${unit} came with ${piece.length} bytes for ${count} positions of ${rowBytes}.`, { fault: 'peer' });
      // Every piece lies alone in its buffer.
      const input = shape.embeds ? new Uint32Array(piece.buffer, piece.byteOffset, count) : new Float32Array(piece.buffer, piece.byteOffset, piece.length / 4);
      const made = await engine.run(unit * UNIT_POSITIONS, input, count);
      if (unit >= this.#firstUnit) rows.push(new Uint8Array(made.buffer, made.byteOffset, made.byteLength));
    }
    return rows;
  }

  async #answer(rows: readonly Uint8Array[], checkIds: () => Promise<SampledIds | null>): Promise<void> {
    const { audit, job, planHash, stage } = this.order;
    const { network, nodeId: auditor } = this.#ports.identity;
    const salt = this.#ports.randomHex(SALT_BYTES);
    const hashes: HexHash[] = [];
    for (const each of rows) hashes.push(toHex(await this.#ports.digest(each)) as HexHash);
    const commitment = blindCommitment({ network, audit, job, planHash, stage, auditor, salt, rows: hashes });
    const signature = await this.#ports.sign(blindBytes(commitment));
    this.signal.throwIfAborted();
    this.#phase = 'blind';
    this.#ports.send({ type: 'audit-blind', audit, engine: this.#ports.provider() ?? 'wasm', commitment, signature });
    await this.#until(() => this.#phase === 'opened');
    const ids = await checkIds();
    const outcome = await this.#ports.upload({ audit, side: 'rows', from: this.#firstUnit, units: this.#units, pieceOf: (unit) => rows[unit - this.#firstUnit] ?? new Uint8Array(0) }, this.signal);
    if (outcome === 'stopped') throw new AuditorError('cancelled', 'The connection to the coordinator is gone.', { fault: 'abort' });
    if (outcome === 'busy') throw new AuditorError('busy', 'This device uploads for other audits.', { fault: 'platform' });
    this.signal.throwIfAborted();
    this.#ports.send({ type: 'audit-opened', audit, salt, rows: hashes, ids });
  }

  /** Last stage: the ids that it sampled, against logits of this auditor's own `rows` (SPEC A7). Null elsewhere. */
  async #checkIds(engine: AuditEngine, manifest: ModelManifest, rows: readonly Uint8Array[]): Promise<SampledIds | null> {
    const { sampling } = this.order;
    if (sampling === null) return null;
    await this.#until(() => this.#payload.complete);
    const count = new SampledIdCount(sampling, deltaOf(calibrationOf(manifest)));
    const channels = manifest.architecture.hidden;
    for (const [index, piece] of (await this.#payload.pieces()).entries()) {
      const unit = this.#firstUnit + index;
      const opened = payloadRows(piece, { positions: this.#countOf(unit), channels, ids: true });
      if (opened === undefined) throw new AuditorError('bad-piece', `The payload of unit ${unit} has ${piece.length} bytes for ${this.#countOf(unit)} rows of ${channels} channels with ids.`, { fault: 'peer' });
      const own = rows[index] ?? new Uint8Array(0);
      for (const [row, id] of opened.ids.entries()) {
        const position = unit * UNIT_POSITIONS + row;
        if (!count.follows(position)) continue;
        this.signal.throwIfAborted();
        count.check(position, id, await engine.logits(new Float32Array(own.buffer, own.byteOffset + 4 * channels * row, channels)));
      }
    }
    return count.result;
  }

  #hear(): void {
    this.#heard++;
  }

  /** Waits for the coordinator. Rejects when the audit is stopped. */
  async #until(met: () => boolean): Promise<void> {
    this.signal.throwIfAborted();
    if (!met()) await new Promise<void>((go) => (this.#waiting = { met, go }));
    this.signal.throwIfAborted();
  }

  #goOn(): void {
    if (this.#waiting === undefined || !(this.#waiting.met() || this.signal.aborted || this.#phase === 'closed')) return;
    this.#waiting.go();
    this.#waiting = undefined;
  }

  /** Gives the audit up when the coordinator says nothing although it is its turn. */
  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const [heard, waited] = [this.#heard, this.#waiting];
      await this.#ports.wait(AUDIT_SILENT_MS, this.#over.signal);
      if (waited !== undefined && waited === this.#waiting && heard === this.#heard) this.stop(new AuditorError('timed-out', `Nothing was heard of audit ${this.order.audit} for ${AUDIT_SILENT_MS} ms.`, { fault: 'timeout' }));
    }
  }
}

/** Errors of engine and shards keep their words; what they mean for the audit is that it cannot be done here. */
function asAuditorError(error: unknown): AuditorError {
  if (error instanceof AuditorError) return error;
  return new AuditorError('engine-failed', error instanceof Error ? error.message : String(error), { fault: 'platform', cause: error });
}
