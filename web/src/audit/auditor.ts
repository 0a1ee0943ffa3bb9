import { AuditorError } from './audit-error.ts';
import { AuditRun } from './audit-run.ts';
import { AUDIT_PIECES_SHARE, MAX_QUEUED_AUDITS } from './audit-limits.ts';
import { WarmEngine } from './warm-engine.ts';
import type { AuditId } from '@ciro/core/ids.ts';
import type { AuditRefusal } from './audit-error.ts';
import type { AuditOrder, AuditorPorts } from './audit-ports.ts';
import type { PieceIn, PieceMemory } from './piece-inbox.ts';

/** Longest text of a refusal, as the message allows. */
const MAX_MESSAGE_CHARACTERS = 500;

/**
 * Audits other workers' stages for the coordinator, one at a time and behind every job of this worker. Whatever keeps it from
 * finishing is said by code; nothing is held against it, and somebody else is drawn.
 */
export class Auditor {
  readonly #ports: AuditorPorts;
  readonly #warm: WarmEngine;
  readonly #runs = new Map<AuditId, AuditRun>();
  #current: AuditRun | undefined;
  readonly #memory: PieceMemory;
  #pieceBytes = 0;
  #done = 0;
  #refused = 0;
  #closedFor: AuditRefusal | undefined;

  constructor(ports: AuditorPorts) {
    this.#ports = ports;
    this.#warm = new WarmEngine((milliseconds, signal) => ports.wait(milliseconds, signal));
    const held = (): number => this.#pieceBytes;
    this.#memory = {
      get heldBytes() {
        return held();
      },
      take: (bytes) => this.#take(bytes),
      give: (bytes) => void (this.#pieceBytes -= bytes),
    };
  }

  /** An audit runs or waits. */
  get isBusy(): boolean {
    return this.#runs.size > 0;
  }

  /** Bytes that audits hold: the engine, and pieces and rows. */
  get heldBytes(): number {
    return this.#warm.heldBytes + this.#pieceBytes;
  }

  /** An audit to do. A repeated one changes nothing. */
  audit(order: AuditOrder): void {
    if (this.#runs.has(order.audit)) return;
    const refusal = this.#closedFor ?? (this.#ports.provider() === undefined ? 'not-measured' : this.#runs.size > MAX_QUEUED_AUDITS ? 'busy' : undefined);
    if (refusal !== undefined) return this.#refuse(order.audit, new AuditorError(refusal, REASONS[refusal] ?? refusal, { fault: 'platform' }));
    const run = new AuditRun(order, this.#ports, this.#memory);
    this.#runs.set(order.audit, run);
    // One that waits can be stopped too, by a wrong piece.
    run.signal.addEventListener('abort', () => this.#stopped(run), { once: true });
    this.#changed();
    void this.#next();
  }

  piece(piece: PieceIn): void {
    this.#runs.get(piece.audit)?.piece(piece);
  }

  opening(audit: AuditId): void {
    this.#runs.get(audit)?.opening();
  }

  cancel(audit: AuditId): void {
    this.#runs.get(audit)?.stop(new AuditorError('cancelled', 'The coordinator does not wait for this audit any more.', { fault: 'abort' }));
  }

  /** Layers are being loaded to serve: refuses what is here and, until `accept`, what comes. */
  makeWay(): void {
    this.#closedFor = 'placed';
    this.#stopAll('placed');
  }

  accept(): void {
    this.#closedFor = undefined;
  }

  /** The connection that audits came over is gone: nobody waits for them. */
  forget(): void {
    this.#stopAll('cancelled');
  }

  /** Bytes that audits go on holding when `others` bytes are needed for jobs: none if both do not fit (StagePorts.auditBytes). */
  bytesBeside(others: number): number {
    if (this.heldBytes + others <= this.#ports.identity.memoryBudgetBytes) return this.heldBytes;
    void this.#warm.giveUp();
    if (this.#current === undefined || this.heldBytes + others <= this.#ports.identity.memoryBudgetBytes) return this.heldBytes;
    this.#stopAll('over-memory');
    return 0;
  }

  async #next(): Promise<void> {
    if (this.#current !== undefined) return;
    const run = [...this.#runs.values()].find((each) => !each.signal.aborted);
    if (run === undefined) return;
    this.#current = run;
    this.#changed();
    try {
      await run.run(this.#warm);
      this.#done++;
    } catch (error) {
      if (error instanceof AuditorError && error.code !== 'cancelled') this.#refuse(run.order.audit, error);
    }
    this.#runs.delete(run.order.audit);
    this.#current = undefined;
    this.#changed();
    void this.#next();
  }

  #stopped(run: AuditRun): void {
    if (run === this.#current) return;
    const { audit } = run.order;
    run.dispose();
    this.#runs.delete(audit);
    const error: unknown = run.signal.reason;
    if (error instanceof AuditorError && error.code !== 'cancelled') this.#refuse(audit, error);
    this.#changed();
  }

  #stopAll(code: AuditRefusal | 'cancelled'): void {
    for (const run of [...this.#runs.values()]) run.stop(new AuditorError(code, REASONS[code] ?? code, { fault: 'abort' }));
    void this.#warm.giveUp();
  }

  #take(bytes: number): boolean {
    if (this.#pieceBytes + bytes > AUDIT_PIECES_SHARE * this.#ports.identity.memoryBudgetBytes) return false;
    this.#pieceBytes += bytes;
    return true;
  }

  #refuse(audit: AuditId, { code, message }: AuditorError): void {
    this.#refused++;
    this.#ports.send({ type: 'audit-refused', audit, code, message: message.slice(0, MAX_MESSAGE_CHARACTERS) });
    this.#changed();
  }

  #changed(): void {
    const order = this.#current?.order;
    const running = order === undefined ? null : { stage: order.stage, layers: order.layers, positions: order.positions };
    this.#ports.changed({ running, waiting: this.#runs.size - (running === null ? 0 : 1), done: this.#done, refused: this.#refused });
  }
}

const REASONS: Partial<Record<AuditRefusal | 'cancelled', string>> = {
  busy: `This device has ${MAX_QUEUED_AUDITS} audits waiting; ask another one.`,
  'not-measured': 'This device was not measured yet; ask it again later.',
  placed: 'This device was given layers to serve and needs its memory for them; ask another one.',
  'over-memory': 'This device needs its memory for a job; ask another one.',
  cancelled: 'Nobody waits for this audit any more.',
};
