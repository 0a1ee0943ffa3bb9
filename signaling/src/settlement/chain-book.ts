import { tokensOf } from '@ciro/core/settlement/rate.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { Earned, PaidOnChain, Statement } from '../ledger/payouts.ts';
import type { ChainEarnings, ChainPort, EarningsPort, SettlementBook, SettlementStore } from './ports.ts';

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
export class ChainBook implements ChainEarnings {
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
    const settled = kept === undefined ? [] : [...(await ledger.earned())].flatMap(([worker, earned]) => settledAt(worker, earned));
    const book = { chainId: chain.chainId, store: chain.store, birth, settledBefore: Object.fromEntries(settled) };
    await store.openBook(book);
    this.#book = book;
    return kept !== undefined;
  }

  promote(): Promise<bigint> {
    return this.#deps.ledger.promote();
  }

  async earned(): Promise<Map<NodeId, Earned>> {
    return this.#since(await this.#deps.ledger.earned());
  }

  async statement(): Promise<Statement> {
    const { earned, head } = await this.#deps.ledger.statement();
    return { earned: this.#since(earned), head };
  }

  #since(earned: ReadonlyMap<NodeId, Earned>): Map<NodeId, Earned> {
    return new Map(
      Array.from(earned, ([worker, { payable, settled, linked }]) => {
        if (linked === undefined) return [worker, { payable, settled: settled - this.before(worker) }];
        const since = new Map(Array.from(linked, ([account, amount]) => [account, amount - this.before(worker, account)]));
        return [worker, { payable, settled: ownPart(settled, linked) - this.before(worker) + sumOf(since), linked: since }];
      }),
    );
  }

  settled(worker: NodeId, { account, paid, credits, linked = false }: PaidOnChain): Promise<bigint> {
    const before = this.before(worker, linked ? account : undefined);
    return this.#deps.ledger.settled(worker, { account, paid: paid + tokensOf(before, this.#options.rate), credits: credits + before, linked });
  }

  correct(name: string, worker: NodeId, amount: bigint): Promise<void> {
    return this.#deps.ledger.correct(name, worker, amount);
  }

  /** Base units of credits that a worker had settled at an account (its own, or a linked one) before this chain began. */
  before(worker: NodeId, linked?: string): bigint {
    return BigInt(this.#book?.settledBefore[placeOf(worker, linked)] ?? 0);
  }
}

const placeOf = (worker: NodeId, linked?: string): string => (linked === undefined ? worker : `${worker}:${linked}`);
const sumOf = (linked: ReadonlyMap<string, bigint>): bigint => [...linked.values()].reduce((sum, amount) => sum + amount, 0n);
const ownPart = (settled: bigint, linked: ReadonlyMap<string, bigint>): bigint => settled - sumOf(linked);

function settledAt(worker: NodeId, { settled, linked = new Map() }: Earned): (readonly [string, string])[] {
  const places = [[placeOf(worker), ownPart(settled, linked)] as const, ...Array.from(linked, ([account, amount]) => [placeOf(worker, account), amount] as const)];
  return places.flatMap(([place, amount]) => (amount === 0n ? [] : [[place, String(amount)] as const]));
}
