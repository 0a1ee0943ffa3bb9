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
}

export const NO_WEIGHTS_MOVED: WeightsMoved = { coordinator: 0, publicFile: 0, neighbours: 0, from: 0, given: 0, to: 0 };

/** People look at it: a few times a second is live. */
const TELL_MS = 250;

/** Adds up what moves, and tells it now and then. */
export class WeightsTally {
  readonly #tell: (moved: WeightsMoved) => void;
  readonly #clock: { after(ms: number, task: () => void): () => void };
  readonly #bytes: Record<SourceKind, number> = { coordinator: 0, public: 0, neighbour: 0 };
  readonly #from = new Set<string>();
  readonly #to = new Set<string>();
  #given = 0;
  #telling = false;

  constructor(tell: (moved: WeightsMoved) => void, clock: { after(ms: number, task: () => void): () => void }) {
    this.#tell = tell;
    this.#clock = clock;
  }

  took(source: string, kind: SourceKind, bytes: number): void {
    this.#bytes[kind] += bytes;
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
      this.#tell({ coordinator, publicFile, neighbours, from: this.#from.size, given: this.#given, to: this.#to.size });
    });
  }
}
