import { tokensOf } from '@ciro/core/settlement/rate.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { Earned, PaidOnChain } from '../ledger/payouts.ts';
import type { ChainPort, EarningsPort, SettlementBook, SettlementStore } from './ports.ts';

export interface ChainBookDeps {
  readonly chain: Pick<ChainPort, 'chainId' | 'store' | 'birth'>;
  readonly store: Pick<SettlementStore, 'book' | 'openBook'>;
  readonly ledger: EarningsPort;
}

export interface ChainBookOptions {
  readonly rate: PayoutRate;
  /** True of a chain that lives no longer than its process: another first block is then no mistake. */
  readonly mayBeginAnew?: boolean;
}

/** The ledger as one contract on one chain owes it: what was settled before that chain began is none of its business (SPEC X10). */
export class ChainBook implements EarningsPort {
  readonly #deps: ChainBookDeps;
  readonly #options: ChainBookOptions;
  #book: SettlementBook | undefined;

  constructor(deps: ChainBookDeps, options: ChainBookOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * Asks the chain whether it is the one that this book is of; true when the chain began anew and a new book was opened. Throws
   * `foreign-chain`, and what the chain throws.
   */
  async check(): Promise<boolean> {
    const { chain, store, ledger } = this.#deps;
    const birth = await chain.birth();
    const kept = (this.#book ??= await store.book());
    if (kept?.chainId === chain.chainId && kept.store === chain.store && kept.birth === birth) return false;
    if (kept !== undefined && this.#options.mayBeginAnew !== true) {
      throw new SettlementServiceError('foreign-chain', `the epochs of this database are of contract ${kept.store} on chain ${kept.chainId} (first block ${kept.birth}), and the node has ${chain.store} on ${chain.chainId} (${birth}); give a node of that chain, or a new database: what is posted there stays claimable there`, {
        fault: 'user',
        fields: { expected: kept.birth, found: birth, store: kept.store },
      });
    }
    const settled = kept === undefined ? [] : [...(await ledger.earned())].flatMap(([worker, earned]) => (earned.settled === 0n ? [] : [[worker, String(earned.settled)] as const]));
    const book = { chainId: chain.chainId, store: chain.store, birth, settledBefore: Object.fromEntries(settled) };
    await store.openBook(book);
    this.#book = book;
    return kept !== undefined;
  }

  promote(): Promise<bigint> {
    return this.#deps.ledger.promote();
  }

  async earned(): Promise<Map<NodeId, Earned>> {
    return new Map(Array.from(await this.#deps.ledger.earned(), ([worker, { payable, settled }]) => [worker, { payable, settled: settled - this.#before(worker) }]));
  }

  settled(worker: NodeId, { account, paid, credits }: PaidOnChain): Promise<bigint> {
    const before = this.#before(worker);
    return this.#deps.ledger.settled(worker, { account, paid: paid + tokensOf(before, this.#options.rate), credits: credits + before });
  }

  correct(name: string, worker: NodeId, amount: bigint): Promise<void> {
    return this.#deps.ledger.correct(name, worker, amount);
  }

  #before(worker: NodeId): bigint {
    return BigInt(this.#book?.settledBefore[worker] ?? 0);
  }
}
