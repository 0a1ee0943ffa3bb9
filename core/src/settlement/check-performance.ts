import * as v from 'valibot';
import { checkOf, differs, failed, shown, wrong } from '../evidence/report.ts';
import { hex } from './epoch.ts';
import { climb, proofOf, rootOf } from './epoch-tree.ts';
import { draftPerformance, PerformanceData, performanceTree } from './performance.ts';
import type { Check } from '../evidence/report.ts';
import type { EpochData } from './epoch.ts';

const NAME = 'performance';

/** Makes the performance that was published with an epoch again: its order, its root and a proof of each worker (SPEC X11). `value`: as it came from outside. */
export function checkPerformance(epoch: Pick<EpochData, 'epoch' | 'chain_id'>, value: unknown): Check {
  const parsed = v.safeParse(PerformanceData, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return failed(NAME, wrong(`performance.${v.getDotPath(issue) ?? 'format'}`, issue.expected ?? 'a published performance', shown(issue.received), issue.message.slice(0, 200)));
  }
  const data = parsed.output;
  const strange = differs('performance.epoch', epoch.epoch, data.epoch, 'the same epoch') ?? differs('performance.chain_id', epoch.chain_id, data.chain_id, 'the same chain');
  if (strange !== undefined) return failed(NAME, strange);
  try {
    const draft = draftPerformance({ chainId: data.chain_id, pool: data.pool, epoch: data.epoch, entries: data.entries });
    const misplaced = draft.entries.findIndex(({ worker }, index) => worker !== data.entries[index]?.worker);
    if (misplaced >= 0) return failed(NAME, wrong(`performance.entries[${misplaced}].worker`, draft.entries[misplaced]?.worker, data.entries[misplaced]?.worker, 'entries rise by worker'));
    const shape = differs('performance.count', draft.count, data.count, 'number of entries') ?? differs('performance.depth', draft.depth, data.depth, 'levels that so many leaves need');
    if (shape !== undefined) return failed(NAME, shape);
    const tree = performanceTree(draft);
    const root = rootOf(tree);
    if (hex(root) !== data.root) return failed(NAME, wrong('performance.root', hex(root), data.root, 'root of the tree over all entries'));
    const lost = tree.levels[0]?.findIndex((leaf, index) => climb(leaf, index, proofOf(tree, index)) !== root) ?? -1;
    if (lost >= 0) return failed(NAME, wrong(`performance.entries[${lost}]`, data.root, 'another root', 'root that the entry and its proof lead to'));
    return checkOf(NAME, undefined, `${data.count} workers under root ${data.root} of pool ${data.pool}, each with a proof`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return failed(NAME, wrong('performance.entries', 'each worker once', 'others', error.message));
  }
}
