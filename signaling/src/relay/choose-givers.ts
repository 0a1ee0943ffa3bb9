import type { NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { Holder } from './weights-desk.ts';

/** A worker that gives, and which of the wanted shards it holds. */
export interface Giver {
  readonly peer: NodeId;
  readonly shards: readonly string[];
}

/**
 * Who gives the wanted shards, at most `most`: each time the one that holds most of what no other gives yet, then most of all; who computes for a
 * job comes after all others, for it gives nothing meanwhile. Equal input gives equal output.
 */
export function chooseGivers(manifest: ModelManifest, wanted: readonly string[], holders: readonly Holder[], { gives, most }: { readonly gives: (worker: NodeId) => number; readonly most: number }): Giver[] {
  const bytes = new Map(manifest.shards.map(({ sha256, bytes: size }) => [sha256, size]));
  const sizeOf = (shards: readonly string[]): number => shards.reduce((sum, shard) => sum + (bytes.get(shard) ?? 0), 0);
  let left = holders
    .map(({ worker, layers, computes }) => ({ peer: worker, computes, gives: gives(worker), shards: heldShards(manifest, layers).filter((shard) => wanted.includes(shard)) }))
    .filter(({ shards }) => shards.length > 0);
  const covered = new Set<string>();
  const chosen: Giver[] = [];
  while (chosen.length < most && left.length > 0) {
    const scored = left.map((each) => ({ each, fresh: sizeOf(each.shards.filter((shard) => !covered.has(shard))), all: sizeOf(each.shards) }));
    scored.sort((a, b) => Number(a.each.computes) - Number(b.each.computes) || b.fresh - a.fresh || b.all - a.all || a.each.gives - b.each.gives || (a.each.peer < b.each.peer ? -1 : 1));
    const best = scored[0]?.each;
    if (best === undefined) break;
    for (const shard of best.shards) covered.add(shard);
    chosen.push({ peer: best.peer, shards: best.shards });
    left = left.filter((each) => each !== best);
  }
  return chosen;
}

/** Shards that a worker with these layers has: with the first layer comes the embedding, with the last one the head, and a tied one's embedding. */
function heldShards({ shards, architecture: { layers: count, tiedHead } }: ModelManifest, layers: ReadonlySet<number>): string[] {
  const [first, last] = [layers.has(0), layers.has(count - 1)];
  return shards.flatMap(({ name, sha256 }) => {
    const held = name === 'embedding' ? first || (last && tiedHead) : name === 'head' ? last : layers.has(Number(name.slice('layer-'.length)));
    return held ? [sha256] : [];
  });
}
