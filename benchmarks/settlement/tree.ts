import { draftEpoch } from '@ciro/core/settlement/epoch.ts';
import { rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { ThreadedTrees } from '@ciro/signaling/settlement/threaded-trees.ts';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { EpochDraft } from '@ciro/core/settlement/epoch.ts';

export interface TreeTimes {
  readonly wallS: number;
  /** Of all threads: what the machine's other work does not change. */
  readonly cpuS: number;
  readonly root: string;
}

/** Accounts spread over the field as real addresses are; amounts of a week's work. */
const payee = (index: number, more: bigint) => ({ account: `0x${((BigInt(index + 1) * 0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251n) % 2n ** 250n).toString(16)}`, cumulative: BigInt(index + 1) * 10n ** 17n + more });

/** Payees of an epoch; every tenth has earned more in the next one. */
export const epochOf = (count: number, epoch: 1 | 2): EpochDraft =>
  draftEpoch({ network: 'bench', chainId: '0x534e5f5345504f4c4941', store: '0x5707e', epoch, payees: Array.from({ length: count }, (_, index) => payee(index, epoch === 2 && index % 10 === 0 ? 5n : 0n)) });

/** One tree, timed from its entries to its root. */
export async function timeTree(draft: EpochDraft, threads: number, before?: { readonly entries: EpochDraft['entries']; readonly tree: EpochTree }): Promise<TreeTimes & { readonly tree: EpochTree }> {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  const tree = await new ThreadedTrees({ threads }).grow(draft, before);
  const { user, system } = process.cpuUsage(cpu);
  return { wallS: (performance.now() - started) / 1e3, cpuS: (user + system) / 1e6, root: rootOf(tree).toString(16), tree };
}
