import type { NodeId } from '@ciro/core/ids.ts';
import { stageMs } from './cut-layers.ts';
import { sameRange } from './slot.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { LayerRange } from './slot.ts';

/** A worker with room for a vacant range. */
export interface Successor {
  readonly worker: PlacementWorker;
  /** What it stands by with. */
  readonly standby: (LayerRange & { readonly ready: boolean }) | undefined;
  /** What it held in the last whole ring: the shards are in its cache. */
  readonly last: LayerRange | undefined;
}

/**
 * Who takes a vacant range over: who has loaded it standing by, else who is loading it, else the last holder, else the fastest of
 * those that are not kept for another range of `vacant`. Of several the fastest that surely goes on running, of equals the first.
 */
export function takeOver(range: LayerRange, successors: readonly Successor[], vacant: readonly LayerRange[], footprint: ModelFootprint): NodeId | undefined {
  const ms = ({ worker }: Successor): number => stageMs({ worker, ...range }, footprint);
  const frozen = ({ worker }: Successor): number => Number(worker.mayFreeze === true);
  const fastest = successors.toSorted((a, b) => frozen(a) - frozen(b) || ms(a) - ms(b));
  const standing = fastest.filter(({ standby }) => sameRange(standby, range));
  const free = ({ standby, last }: Successor): boolean => !vacant.some((each) => sameRange(standby, each) || sameRange(last, each));
  const taken = standing.find(({ standby }) => standby?.ready === true) ?? standing[0] ?? fastest.find(({ last }) => sameRange(last, range)) ?? fastest.find(free);
  return taken?.worker.nodeId;
}
