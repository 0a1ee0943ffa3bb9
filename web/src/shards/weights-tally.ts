import type { SourceKind } from './chunk-source.ts';

/** Bytes of weights of one visit: where they came from, and what was given to others. Cached ones are in none of these. */
export interface WeightsMoved {
  readonly coordinator: number;
  readonly publicFile: number;
  readonly neighbours: number;
  /** Neighbours that these came from. */
  readonly from: number;
  readonly given: number;
  /** Neighbours that these went to. */
  readonly to: number;
  /** Bytes a millisecond at which they came from all sources together, while they came; absent before enough did. */
  readonly downBytesPerMs?: number;
}

export const NO_WEIGHTS_MOVED: WeightsMoved = { coordinator: 0, publicFile: 0, neighbours: 0, from: 0, given: 0, to: 0 };

/** People look at it: a few times a second is live. */
const TELL_MS = 250;

/** Of less nothing is told of the line: the first chunks of a connection come slowly. */
const LEAST_TIMED_BYTES = 1024 * 1024;
/** Nothing came for this long: the line was idle, and the time does not count. */
const IDLE_MS = 1_000;

/** Adds up what moves, and tells it now and then. */
export class WeightsTally {
  readonly #tell: (moved: WeightsMoved) => void;
  readonly #clock: { after(ms: number, task: () => void): () => void; now(): number };
  readonly #bytes: Record<SourceKind, number> = { coordinator: 0, public: 0, neighbour: 0 };
  readonly #from = new Set<string>();
  readonly #to = new Set<string>();
  #given = 0;
  #telling = false;
  #timed = { bytes: 0, ms: 0 };
  #lastAt: number | undefined;

  constructor(tell: (moved: WeightsMoved) => void, clock: { after(ms: number, task: () => void): () => void; now(): number }) {
    this.#tell = tell;
    this.#clock = clock;
  }

  took(source: string, kind: SourceKind, bytes: number): void {
    this.#bytes[kind] += bytes;
    const now = this.#clock.now();
    const sinceMs = now - (this.#lastAt ?? Number.NEGATIVE_INFINITY);
    if (sinceMs < IDLE_MS) this.#timed = { bytes: this.#timed.bytes + bytes, ms: this.#timed.ms + sinceMs };
    this.#lastAt = now;
    if (kind === 'neighbour') this.#from.add(source);
    this.#soon();
  }

  gave(peer: string, bytes: number): void {
    this.#given += bytes;
    this.#to.add(peer);
    this.#soon();
  }

  #soon(): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#clock.after(TELL_MS, () => {
      this.#telling = false;
      const { coordinator, public: publicFile, neighbour: neighbours } = this.#bytes;
      this.#tell({ coordinator, publicFile, neighbours, from: this.#from.size, given: this.#given, to: this.#to.size, ...(this.#timed.bytes >= LEAST_TIMED_BYTES && this.#timed.ms > 0 && { downBytesPerMs: this.#timed.bytes / this.#timed.ms }) });
    });
  }
}
