import * as v from 'valibot';
import { depthOf, growTree, MAX_DEPTH } from './epoch-tree.ts';
import { Felt, hex } from './epoch.ts';
import { hades } from './hades.ts';
import type { EpochTree } from './epoch-tree.ts';

/** 'CIRO.perf.v1' as a Cairo short string. */
const PERFORMANCE_TAG = 0x4349524f2e706572662e7631n;
/** Counts of a leaf are u32. */
export const MAX_COUNT = 2 ** 32 - 1;
/** Workers of one epoch's performance: those seen last. 4,096 leaves and their nodes are hashed in 2 s. */
export const MAX_PERFORMERS = 4_096;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_COUNT));

/** What one worker did in all, up to an epoch (SPEC X11). */
export const PerformanceEntry = v.strictObject({
  /** The account that its identity owns (X6), as the pool knows it. */
  worker: Felt,
  jobs: Count,
  audits_passed: Count,
  audits_failed: Count,
  /** Unix seconds. */
  last_seen: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
export type PerformanceEntry = v.InferOutput<typeof PerformanceEntry>;

/** An epoch's performance as it is published: all that its root is made of. */
export const PerformanceData = v.strictObject({
  object: v.literal('epoch.performance'),
  chain_id: Felt,
  pool: Felt,
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  entries: v.pipe(v.array(PerformanceEntry), v.minLength(1), v.maxLength(MAX_PERFORMERS)),
  count: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  depth: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_DEPTH)),
  root: Felt,
});
export type PerformanceData = v.InferOutput<typeof PerformanceData>;

/** An epoch's performance before its tree is hashed. */
export type PerformanceDraft = Omit<PerformanceData, 'root'>;

/** Entries in rising order of worker. Throws RangeError for none, for too many, and for a worker that stands there twice: whoever gives them has to see to that. */
export function draftPerformance({ chainId, pool, epoch, entries }: { readonly chainId: string; readonly pool: string; readonly epoch: number; readonly entries: readonly PerformanceEntry[] }): PerformanceDraft {
  if (entries.length === 0 || entries.length > MAX_PERFORMERS) throw new RangeError(`the performance of ${entries.length} workers; an epoch has 1 to ${MAX_PERFORMERS}`);
  const sorted = [...entries].sort((a, b) => (BigInt(a.worker) < BigInt(b.worker) ? -1 : 1));
  const twice = sorted.find(({ worker }, index) => sorted[index + 1]?.worker === worker);
  if (twice !== undefined) throw new RangeError(`worker ${twice.worker} stands twice in the performance of epoch ${epoch}`);
  return { object: 'epoch.performance', chain_id: hex(BigInt(chainId)), pool: hex(BigInt(pool)), epoch, entries: sorted, count: sorted.length, depth: depthOf(sorted.length) };
}

/**
 * The tree over an epoch's entries (SPEC X11). A leaf is Cairo's `poseidon_hash_span` of (tag, chain id, pool, epoch, worker, jobs, audits passed,
 * audits failed, last seen); of its five permutations the first two are the same for all. 0.4 ms a worker.
 */
export function performanceTree({ chain_id: chainId, pool, epoch, entries, depth }: Omit<PerformanceDraft, 'count'>): EpochTree {
  const [first, second, third] = hades(PERFORMANCE_TAG, BigInt(chainId), 0n);
  const shared = hades(first + BigInt(pool), second + BigInt(epoch), third);
  const leaves = entries.map(({ worker, jobs, audits_passed: passed, audits_failed: failed, last_seen: seen }) => {
    const [a, b, c] = hades(shared[0] + BigInt(worker), shared[1] + BigInt(jobs), shared[2]);
    const [d, e, f] = hades(a + BigInt(passed), b + BigInt(failed), c);
    // An odd number of elements is closed by a 1.
    return hades(d + BigInt(seen), e + 1n, f)[0];
  });
  return growTree(leaves, { depth });
}
