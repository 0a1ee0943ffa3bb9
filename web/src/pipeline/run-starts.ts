/**
 * Where the runs of one job began that computed its positions. A row's bits hang on how many rows were computed with it, so whoever
 * computes a row again, and wants the same bits, begins its runs at the same positions (SPEC V10).
 */
export class RunStarts {
  readonly #starts: Uint8Array;

  constructor(positions: number) {
    this.#starts = new Uint8Array(positions);
  }

  /** Bytes held: one a position. */
  get heldBytes(): number {
    return this.#starts.byteLength;
  }

  /** Notes a run. Runs that began behind its start are forgotten: their rows are computed again, drafts that did not come true (SPEC E7). */
  add(position: number): void {
    this.#starts.fill(0, position + 1);
    this.#starts[position] = 1;
  }

  /** Takes the first `positions` over from another job. */
  copy(from: RunStarts, positions: number): void {
    this.#starts.set(from.#starts.subarray(0, Math.min(positions, this.#starts.length)));
  }

  /** Positions from `position` to the next run's start or to `end`. */
  countAt(position: number, end: number): number {
    let next = position + 1;
    while (next < end && this.#starts[next] !== 1) next++;
    return next - position;
  }

  /** How many runs began at positions `[0, end)`. */
  runsBefore(end: number): number {
    return this.#starts.subarray(0, end).reduce((sum, start) => sum + start, 0);
  }
}
