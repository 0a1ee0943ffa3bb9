import type { VirtualClock } from '../sessions/virtual-clock.fixture.ts';

/** Lets everything run that waits for no clock: macrotask turns, because promises chain through several microtasks. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves virtual time on in steps, letting what falls due run in between. */
export async function pass(clock: VirtualClock, ms: number, stepMs = 1_000): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(left, stepMs));
    await settle(5);
  }
}
