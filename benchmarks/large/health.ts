import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const POLL_MS = 250;

const Health = v.object({
  workers: v.number(),
  missing: v.number(),
  models: v.tupleWithRest([v.object({ ready: v.boolean(), stages: v.array(v.object({ worker: v.string(), layers: v.tuple([v.number(), v.number()]) })) })], v.unknown()),
});
/** The part of `/health` that tells how a large model is placed. */
export type Health = v.InferOutput<typeof Health>;

export async function healthOf(url: string): Promise<Health> {
  return v.parse(Health, await (await fetch(new URL('/health', url))).json());
}

/** Waits until the network is as wanted, and throws with what it was instead. */
export async function healthWhen(url: string, wanted: (health: Health) => boolean, withinMs: number, signal: AbortSignal): Promise<Health> {
  for (const deadline = performance.now() + withinMs; ; await sleep(POLL_MS, undefined, { signal })) {
    const health = await healthOf(url);
    if (wanted(health)) return health;
    if (performance.now() > deadline) throw new Error(`the network is not as wanted after ${withinMs / 1000} s: ${JSON.stringify(health)}`);
  }
}
