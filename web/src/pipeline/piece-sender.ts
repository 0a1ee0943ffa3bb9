import { toHex } from '@ciro/core/bytes.ts';
import { MAX_PIECE_BYTES } from '@ciro/core/protocol/limits.ts';
import { MAX_UPLOADS } from './stage-limits.ts';
import type { AuditId, HexHash } from '@ciro/core/ids.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { StagePorts } from './stage-ports.ts';

export type PieceMessage = Extract<WorkerMessage, { type: 'piece' }>;

/** Pieces of one side of one audit, made one after the other: `pieceOf(unit)` for units `[from, units)`, `from` 0 when absent. */
export interface Upload {
  readonly audit: AuditId;
  readonly side: PieceMessage['side'];
  readonly from?: number;
  readonly units: number;
  readonly pieceOf: (unit: number) => Uint8Array;
}

/** `busy`: too many uploads are under way. `stopped`: the connection is gone, or the signal was aborted. */
export type UploadOutcome = 'sent' | 'busy' | 'stopped';

/**
 * Uploads pieces for audits. Uploads take turns part by part, so none is silent for long; a part is made in a turn of the
 * event loop of its own, so frames go first, and only when the window has passed the one before on, so that the control
 * connection is not flooded.
 */
export class PieceSender {
  readonly #ports: Pick<StagePorts, 'digest' | 'turn' | 'sendPiece'>;
  /** The part that is on its way to the window. */
  #tail: Promise<unknown> = Promise.resolve();
  #uploads = 0;

  constructor(ports: Pick<StagePorts, 'digest' | 'turn' | 'sendPiece'>) {
    this.#ports = ports;
  }

  /** Resolves when everything was passed on, or nothing more will be. Rejects when a piece cannot be made. */
  async send(upload: Upload, signal?: AbortSignal): Promise<UploadOutcome> {
    if (this.#uploads >= MAX_UPLOADS) return 'busy';
    this.#uploads++;
    try {
      return (await this.#upload(upload, signal)) ? 'sent' : 'stopped';
    } finally {
      this.#uploads--;
    }
  }

  async #upload({ audit, side, from = 0, units, pieceOf }: Upload, signal: AbortSignal | undefined): Promise<boolean> {
    for (let unit = from; unit < units; unit++) {
      const whole = pieceOf(unit);
      const sha256 = toHex(await this.#ports.digest(whole)) as HexHash;
      for (let offset = 0; offset < whole.length; offset += MAX_PIECE_BYTES) {
        // A copy: the piece is often a view of a whole job's rows, all of which would be cloned on their way to the window.
        const part = () => this.#ports.sendPiece({ type: 'piece', audit, side, unit, sha256, offset, total: whole.length, bytes: whole.slice(offset, offset + MAX_PIECE_BYTES) });
        if (signal?.aborted === true || !(await this.#inLine(part))) return false;
      }
    }
    return true;
  }

  #inLine(part: () => Promise<boolean>): Promise<boolean> {
    const sent = this.#tail.then(() => this.#ports.turn()).then(part);
    this.#tail = sent.catch(() => undefined);
    return sent;
  }
}
