import { MAX_PIECE_BYTES } from '@ciro/core/protocol/limits.ts';
import type { AuditId, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { Clock } from '../sessions/clock.ts';
import { BURST_BYTES, BURST_INTERVAL_MS, BURST_MESSAGES } from './audit-limits.ts';
import type { Piece } from './piece-assembler.ts';
import type { AuditWorkers } from './ports.ts';

type PieceOut = Extract<CoordinatorMessage, { type: 'piece' }>;

/** Sends pieces in parts, a burst at a time, so that a slow reader's socket never fills up with them. Returns how to stop. `first`: unit of the first piece. */
export function sendPieces(deps: { readonly clock: Clock; readonly workers: Pick<AuditWorkers, 'send'> }, to: NodeId, about: { readonly audit: AuditId; readonly side: PieceOut['side'] }, pieces: readonly Piece[], first = 0): () => void {
  const parts = partsOf(about, pieces, first);
  let cancel: () => void = () => undefined;
  const burst = (): void => {
    for (let messages = 0, bytes = 0; messages < BURST_MESSAGES && bytes < BURST_BYTES; messages++) {
      const { value: part } = parts.next();
      if (part === undefined) return;
      bytes += part.bytes.length;
      deps.workers.send(to, part);
    }
    cancel = deps.clock.after(BURST_INTERVAL_MS, burst);
  };
  burst();
  return () => cancel();
}

/** Milliseconds that `sendPieces` takes at most, a slow line included. */
export const sendingMs = (bytes: number, pieces: number, bytesPerMs: number): number => bytes / bytesPerMs + (pieces / BURST_MESSAGES) * BURST_INTERVAL_MS;

function* partsOf({ audit, side }: { readonly audit: AuditId; readonly side: PieceOut['side'] }, pieces: readonly Piece[], first: number): Generator<PieceOut, undefined> {
  for (const [index, { sha256, bytes }] of pieces.entries()) {
    const unit = first + index;
    for (let offset = 0; offset < bytes.length; offset += MAX_PIECE_BYTES) {
      const length = Math.min(MAX_PIECE_BYTES, bytes.length - offset);
      // A Buffer: the socket's parser sends of any other view the whole memory behind it.
      yield { type: 'piece', audit, side, unit, sha256, offset, total: bytes.length, bytes: Buffer.from(bytes.buffer, bytes.byteOffset + offset, length) };
    }
  }
  return undefined;
}
