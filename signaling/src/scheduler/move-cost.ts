import { fetchBytes, stageBytes } from './model-footprint.ts';
import { ringTime, ROUNDING } from './cut-layers.ts';
import type { Cut, RingTime } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** Two measurements of one idle device differ by up to this much (seen on 2 shared cores): a ring that looks quicker by less may be as quick. */
export const MEASUREMENT_NOISE = 1.5;
/** A ring is expected to serve this long before workers come or go again: what a move costs has to be won back in it. */
export const RING_SERVES_MS = 10 * 60_000;
/** Until a worker has fetched something: 20 Mbit/s, the slower half of home lines. */
export const ASSUMED_BYTES_PER_MS = 2_500;
/** Weights become sessions at this rate (results/pipeline.json: ten layers, 140 MB, are ready from the cache after some 7 s). */
const LOADED_BYTES_PER_MS = 20_000;

/** Milliseconds until a worker is ready with a range: nothing when it is loaded, no fetch of what it has cached. */
export function loadMs({ worker, from, to }: Cut, footprint: ModelFootprint): number {
  const { loaded, cached, bytesPerMs = ASSUMED_BYTES_PER_MS } = worker;
  if (loaded?.from === from && loaded.to === to) return 0;
  return fetchBytes(footprint, from, to, cached) / bytesPerMs + stageBytes(footprint, from, to) / LOADED_BYTES_PER_MS;
}

/** Milliseconds for which a ring cannot serve when it takes the place of another: its workers load side by side. */
export const moveMs = (ring: readonly Cut[], footprint: ModelFootprint): number => Math.max(0, ...ring.map((cut) => loadMs(cut, footprint)));

/**
 * Whether moving from `kept` to `best` is won back: in the time that a ring serves, `best` does clearly more positions, its loading taken off. So it does when
 * its slowest stage is quicker (several jobs), or when its whole lap is (one job) and no stage is slower.
 */
export function paysOff(best: readonly Cut[], kept: readonly Cut[], footprint: ModelFootprint): boolean {
  const left = RING_SERVES_MS - moveMs(best, footprint);
  const [now, then] = [ringTime(kept, footprint), ringTime(best, footprint)];
  const wins = (of: keyof RingTime): boolean => now[of] * left > then[of] * MEASUREMENT_NOISE * RING_SERVES_MS;
  return left > 0 && (wins('slowestMs') || (then.slowestMs <= now.slowestMs * ROUNDING && wins('totalMs')));
}
