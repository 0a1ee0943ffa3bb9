import { MAX_NONCE_COMMITMENTS } from '@ciro/core/protocol/limits.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { MAX_SEEN_NONCES } from './session-limits.ts';
import type { Offence } from './worker.ts';

/** Nonce commitments that a worker has given on one connection and that no plan has named yet (SPEC A1). */
export class NonceBox {
  readonly #fresh: HexHash[] = [];
  /** Given on this connection, the oldest forgotten first. */
  readonly #seen = new Set<HexHash>();

  /** Takes a list of fresh commitments, all or none: with more than are kept, or with one that was given before, it says why not. */
  give(commitments: readonly HexHash[]): { readonly offence: Offence; readonly code: string; readonly message: string } | undefined {
    if (this.#fresh.length + commitments.length > MAX_NONCE_COMMITMENTS) {
      return { offence: 'oversized', code: 'too-many-nonces', message: `${commitments.length} nonce commitments beside the ${this.#fresh.length} that no plan has used; at most ${MAX_NONCE_COMMITMENTS} are kept` };
    }
    const repeated = commitments.find((commitment, index) => this.#seen.has(commitment) || commitments.indexOf(commitment) !== index);
    if (repeated !== undefined) return { offence: 'not-yours', code: 'nonce-repeated', message: `nonce commitment ${repeated} was given before; each is for one job` };
    for (const commitment of commitments) {
      this.#fresh.push(commitment);
      this.#seen.add(commitment);
    }
    for (const oldest of this.#seen) {
      if (this.#seen.size <= MAX_SEEN_NONCES) break;
      this.#seen.delete(oldest);
    }
    return undefined;
  }

  /** The worker forgot their nonces: none of them may be named by a plan any more. */
  clear(): void {
    this.#fresh.length = 0;
  }

  /** The next one, for one plan; null when there is none. */
  take(): HexHash | null {
    return this.#fresh.shift() ?? null;
  }
}
