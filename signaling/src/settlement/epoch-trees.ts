import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { GrownTree, SettlementStore, TreeGrower } from './ports.ts';

/** Trees in memory: that of the newest epoch, and that of the newest claimable one. 100,000 payees take 20 MB. */
const MAX_TREES = 2;

type Grown = GrownTree & { readonly epoch: number };

/** Trees of the newest epochs; the next one grows from the last. */
export class EpochTrees {
  readonly #grower: TreeGrower;
  readonly #store: Pick<SettlementStore, 'data'>;
  /** Newest use last. */
  #trees: Grown[] = [];
  /** One tree at a time: they take every core that they are given. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: { readonly grower: TreeGrower; readonly store: Pick<SettlementStore, 'data'> }) {
    this.#grower = deps.grower;
    this.#store = deps.store;
  }

  /** The tree of an epoch that is being closed. */
  grow(epoch: Pick<EpochData, 'chain_id' | 'store' | 'entries' | 'depth' | 'epoch'>): Promise<EpochTree> {
    return this.#inTurn(async () => {
      const tree = await this.#grower.grow(epoch, this.#trees.at(-1));
      this.#keep({ epoch: epoch.epoch, entries: epoch.entries, tree });
      return tree;
    });
  }

  /** A stored epoch with its tree, hashed again when it is not in memory; undefined when there is no such epoch. */
  async of(number: number): Promise<GrownTree | undefined> {
    const kept = this.#trees.find(({ epoch }) => epoch === number);
    if (kept !== undefined) {
      this.#keep(kept);
      return kept;
    }
    const data = await this.#store.data(number);
    if (data === undefined) return undefined;
    return { entries: data.entries, tree: await this.grow(data) };
  }

  #keep(grown: Grown): void {
    this.#trees = [...this.#trees.filter(({ epoch }) => epoch !== grown.epoch), grown].slice(-MAX_TREES);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
