import { EngineError } from './engine-error.ts';

/**
 * Capacity grows in steps of this many positions: small enough that a short job reads little, large enough that shapes
 * change rarely. Never zero, since zero-size tensors are refused by some providers.
 */
export const CAPACITY_STEP_POSITIONS = 64;

/** How far a job's cache reaches, and the rules of moving that: the same wherever the rows lie. */
export class CachePositions {
  readonly maxPositions: number;
  #length = 0;
  #capacity = CAPACITY_STEP_POSITIONS;

  constructor(maxPositions: number) {
    this.maxPositions = maxPositions;
  }

  /** Positions held. */
  get length(): number {
    return this.#length;
  }

  /** Positions that there is room for; a multiple of CAPACITY_STEP_POSITIONS. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Checks that `count` more positions may come. Throws EngineError `past-capacity` beyond the job's most positions. */
  reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.maxPositions) {
      throw new EngineError('past-capacity', `Position ${needed - 1} is past the ${this.maxPositions} positions this job was opened with.`, {
        fault: 'peer',
        fields: { needed, maxPositions: this.maxPositions },
      });
    }
  }

  /** Counts `count` more positions; `grow` is told the new capacity first when there is no room. Throws as `reserve`. */
  advance(count: number, grow: (capacity: number) => void): void {
    this.reserve(count);
    const capacity = stepsFor(this.#length + count);
    if (capacity > this.#capacity) {
      grow(capacity);
      this.#capacity = capacity;
    }
    this.#length += count;
  }

  /** Forgets positions from `length` on. Throws EngineError `stale-cache` if there are fewer. */
  truncate(length: number): void {
    this.demand(length);
    this.#length = length;
  }

  /** Throws EngineError `stale-cache` unless the first `length` positions are held. */
  demand(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new EngineError('stale-cache', `Cannot cut a cache of ${this.#length} positions to ${length}.`, {
        fault: 'peer',
        fields: { length, held: this.#length },
      });
    }
  }
}

/** The capacity that holds `positions`. */
export function stepsFor(positions: number): number {
  return Math.ceil(Math.max(positions, 1) / CAPACITY_STEP_POSITIONS) * CAPACITY_STEP_POSITIONS;
}
