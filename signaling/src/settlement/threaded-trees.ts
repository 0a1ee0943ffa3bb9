import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { growTree, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { GrownTree, TreeGrower } from './ports.ts';
import type { GrownPart, TreePart } from './tree-messages.ts';

/** Levels of a part: 2,048 leaves take about 0.6 s, so that threads end together and messages stay small (0.3 MB). */
const PART_DEPTH = 11;
/** More hash 100,000 payees no sooner than their entries are read and sorted. */
const MAX_THREADS = 4;

/** Hashes trees in threads that live as long as one tree. */
export class ThreadedTrees implements TreeGrower {
  readonly #threads: number;
  readonly #partDepth: number;

  /** `threads`: at most so many at a time; one a core, up to four, when absent. `partDepth`: levels that a thread is given at a time. */
  constructor({ threads = Math.min(MAX_THREADS, availableParallelism()), partDepth = PART_DEPTH }: { readonly threads?: number; readonly partDepth?: number } = {}) {
    this.#threads = threads;
    this.#partDepth = partDepth;
  }

  /** The tree of an epoch. Leaves that stood in `before` with the same amount are not hashed again, nor nodes over the same children in the same place (SPEC X2). */
  async grow(epoch: Pick<EpochData, 'chain_id' | 'store' | 'entries' | 'depth'>, before?: GrownTree): Promise<EpochTree> {
    const { depth, entries } = epoch;
    const height = Math.min(depth, this.#partDepth);
    const size = 2 ** height;
    const leaves = leavesOf(entries, before);
    const parts: EpochTree[] = [];
    const tasks: TreePart[] = [];
    for (let id = 0; id * size < entries.length; id++) {
      const own = leaves.slice(id * size, (id + 1) * size);
      const old = before === undefined || before.tree.depth < height ? undefined : partOf(before.tree, id, height);
      if (old !== undefined && sameLeaves(own, old)) parts[id] = old;
      else tasks.push({ id, chainId: epoch.chain_id, store: epoch.store, depth: height, leaves: own, before: old });
    }
    await runParts(tasks, this.#threads, ({ id, tree }) => {
      parts[id] = tree;
    });
    const top = growTree(parts.map(rootOf), { depth: depth - height, base: height });
    const levels = Array.from({ length: height }, (_, level) => parts.flatMap((part) => part.levels[level] as bigint[]));
    return { depth, levels: [...levels, ...top.levels] };
  }
}

/** Leaves as far as they are known from before: both lists rise by account. */
function leavesOf(entries: EpochData['entries'], before: GrownTree | undefined): TreePart['leaves'][number][] {
  const known = new Map(before?.entries.map(({ account, cumulative }, index) => [account, { cumulative, leaf: before.tree.levels[0]?.[index] }]));
  return entries.map(({ account, cumulative }) => {
    const old = known.get(account);
    return old?.leaf !== undefined && old.cumulative === cumulative ? old.leaf : [BigInt(account), BigInt(cumulative)];
  });
}

function partOf({ levels }: EpochTree, id: number, height: number): EpochTree {
  return { depth: height, levels: Array.from({ length: height + 1 }, (_, level) => levels[level]?.slice(id * 2 ** (height - level), (id + 1) * 2 ** (height - level)) ?? []) };
}

const sameLeaves = (leaves: TreePart['leaves'], { levels: [old = []] }: EpochTree): boolean => leaves.length === old.length && leaves.every((leaf, index) => leaf === old[index]);

/** Gives every part to the next idle thread. Rejects with what a thread died of; all threads are gone by then. */
async function runParts(tasks: readonly TreePart[], threads: number, take: (part: GrownPart) => void): Promise<void> {
  const left = [...tasks].reverse();
  const run = (): Promise<void> => {
    const worker = new Worker(join(import.meta.dirname, 'tree-thread.ts'));
    const done = new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const task = left.pop();
        if (task === undefined) resolve();
        else worker.postMessage(task);
      };
      worker.on('message', (part: GrownPart) => {
        take(part);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('a thread that hashes a settlement tree ended early')));
      next();
    });
    return done.finally(() => worker.terminate());
  };
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, run));
}
