/** Port: hears how long the scheduler took. Milliseconds; called in passing, so it must be quick and must not throw. */
export interface SchedulerTimes {
  /** One decision: an order was given a ring, or workers were given layers. The coordinator did nothing else meanwhile. */
  decided(what: 'job' | 'placement', ms: number): void;
  /** An order has all its stages prepared, this long after it came; `waitedMs` of that for its turn. */
  setUp(ms: number, waitedMs: number): void;
}
