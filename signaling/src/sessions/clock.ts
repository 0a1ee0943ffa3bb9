/** Time as a dependency: tests run in virtual time. */
export interface Clock {
  /** Milliseconds since 1970, never going back. */
  now(): number;
  /** Runs `task` once after `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** The machine's clock. Monotonic: a correction of the wall clock while we run moves no deadline. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
