/** So many engines lost within the window are an accident… */
export const MAX_RECOVERIES = 3;
/** …what comes sooner than this is a habit of the device. */
export const RECOVERY_WINDOW_MS = 10 * 60_000;

/** What is done about a lost engine: started again, on the processor instead of the graphics device, or not any more. */
export type Recovery = 'again' | 'on-wasm' | 'not-any-more';

/** Bounds how often an engine is started again (SPEC G4). */
export class RecoveryBudget {
  #lostAt: number[] = [];

  /** Books a loss. `now`: milliseconds of a monotonic clock. */
  lost(engine: 'wasm' | 'webgpu', now: number): Recovery {
    this.#lostAt = [...this.#lostAt.filter((at) => now - at < RECOVERY_WINDOW_MS), now];
    if (this.#lostAt.length <= MAX_RECOVERIES) return 'again';
    this.#lostAt = [];
    return engine === 'webgpu' ? 'on-wasm' : 'not-any-more';
  }
}
