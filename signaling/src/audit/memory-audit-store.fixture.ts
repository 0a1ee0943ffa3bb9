import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { AuditStore } from './ports.ts';

/** Draws, transcripts and pieces in memory; what the conformance tests ask of the real store holds for it, too. */
export class MemoryAuditStore implements AuditStore {
  readonly #draws = new Map<string, AuditDraw>();
  readonly #transcripts: Transcript[] = [];
  readonly #pieces = new Map<string, Map<HexHash, { readonly bytes: Uint8Array; readonly at: number }>>();

  async saveDraw(job: JobId, draw: AuditDraw): Promise<void> {
    this.#draws.set(job, structuredClone(draw));
  }

  async drawOf(job: string): Promise<AuditDraw | undefined> {
    return structuredClone(this.#draws.get(job));
  }

  async saveTranscript(transcript: Transcript): Promise<void> {
    this.#transcripts.push(structuredClone(transcript));
  }

  async transcriptsOf(job: string): Promise<readonly Transcript[]> {
    return structuredClone(this.#transcripts.filter((each) => each.job === job));
  }

  async savePiece(sha256: HexHash, job: JobId, bytes: Uint8Array, at: number): Promise<void> {
    const pieces = this.#pieces.get(job) ?? new Map();
    this.#pieces.set(job, pieces);
    if (!pieces.has(sha256)) pieces.set(sha256, { bytes: Uint8Array.from(bytes), at });
  }

  async pieces(job: string): Promise<ReadonlyMap<HexHash, Uint8Array>> {
    return new Map([...(this.#pieces.get(job) ?? [])].map(([sha256, { bytes }]) => [sha256, bytes]));
  }

  async prunePieces(before: number): Promise<number> {
    let pruned = 0;
    for (const pieces of this.#pieces.values()) {
      for (const [sha256, { at }] of pieces) {
        if (at >= before) continue;
        pieces.delete(sha256);
        pruned++;
      }
    }
    return pruned;
  }
}
