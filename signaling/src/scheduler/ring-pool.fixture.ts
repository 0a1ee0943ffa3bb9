import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { RingPool } from './ring-pool.ts';
import { PLACEMENT_DEBOUNCE_MS } from './scheduler-limits.ts';
import { FakeStandings, FakeWorkers, MODEL_ID, models, relayOf } from './workers.fixture.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { RingPoolOptions } from './ring-pool.ts';
import type { Ring, RingWish } from './ring.ts';

export const wish = (change: Partial<RingWish> = {}): RingWish => ({ modelId: MODEL_ID, exclude: [], positions: 6, ...change });

/** Rings over workers that a test moves by hand. `rings`: workers of each ring's stages by number, null where there is none. */
export function setup(options: RingPoolOptions = {}) {
  const clock = new VirtualClock();
  const workers = new FakeWorkers();
  const standings = new FakeStandings();
  const lost: NodeId[] = [];
  const pool: RingPool = new RingPool({ clock, workers, standings, models, introductions: relayOf(workers) }, options, {
    placementChanged: () => void pool.replaceIfIdle(),
    stageLost: (worker) => lost.push(worker),
    linkLost: () => undefined,
  });
  workers.observe({
    joined: (worker) => pool.joined(worker),
    left: (worker, reason, returns) => pool.left(worker, reason, returns),
    message: (from, message) => {
      if (message.type === 'shards') pool.shards(from, message);
      if (message.type === 'link') pool.link(from, message);
    },
  });
  const join = (from: number, to: number): void => {
    for (let n = from; n <= to; n++) workers.join(n);
  };
  /** Everything that is loaded or linked is so, as long as rings are made. */
  const settle = (ms = 4 * PLACEMENT_DEBOUNCE_MS): void => {
    for (let waited = 0; waited < ms; waited += PLACEMENT_DEBOUNCE_MS / 4) {
      clock.advance(PLACEMENT_DEBOUNCE_MS / 4);
      workers.settle();
    }
  };
  const rings = (): (number | null)[][] => pool.status().map(({ stages }) => stages.map(({ worker }) => (worker === null ? null : Number.parseInt(worker, 16))));
  /** Takes a job of these wishes to a ring, as a runner does. */
  const begin = (change: Partial<RingWish> = {}): Ring | undefined => {
    const next = pool.next([wish(change)], (each) => each);
    return next !== undefined && 'ring' in next ? next.ring : undefined;
  };
  return { clock, workers, standings, pool, lost, join, settle, rings, begin };
}
