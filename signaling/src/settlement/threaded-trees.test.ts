import { expect, it } from 'vitest';
import { draftEpoch, treeOf } from '@ciro/core/settlement/epoch.ts';
import { ThreadedTrees } from './threaded-trees.ts';
import type { EpochDraft } from '@ciro/core/settlement/epoch.ts';

/** Parts of eight leaves. Fewer payees than one has; and 21, of which the third part has five. */
const options = { threads: 2, partDepth: 3 };
const [FEW, MANY] = [5, 21];
const draft = (count: number, amount: (index: number) => bigint): EpochDraft =>
  draftEpoch({ network: 'n', chainId: '0x1', store: '0x2', epoch: 1, payees: Array.from({ length: count }, (_, index) => ({ account: `0x${(index * 977 + 1).toString(16)}`, cumulative: amount(index) })) });

it('X2: the tree that threads make is the one that is made here', async () => {
  const trees = new ThreadedTrees(options);
  for (const count of [1, FEW]) expect(await trees.grow(draft(count, () => 3n))).toEqual(treeOf(draft(count, () => 3n)));
});

it('X2: over several parts, and from the tree before: changed, added and removed payees give the fresh tree', async () => {
  const trees = new ThreadedTrees(options);
  const first = draft(MANY, () => 3n);
  const tree = await trees.grow(first);
  expect(tree).toEqual(treeOf(first));
  const before = { entries: first.entries, tree };
  const second = draft(MANY, (index) => (index === 20 ? 4n : 3n));
  const grown = await trees.grow(second, before);
  expect(grown).toEqual(treeOf(second));
  // The first part did not change: it is the one from before, not an equal one.
  expect(grown.levels[0]?.[0]).toBe(tree.levels[0]?.[0]);
  const fewer = { ...first, entries: first.entries.slice(1) };
  expect(await trees.grow(fewer, before)).toEqual(treeOf(fewer));
});
