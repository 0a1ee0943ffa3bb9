import { draftEpoch, sealEpoch } from '@ciro/core/settlement/epoch.ts';
import { rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { tokensOf } from '@ciro/core/settlement/rate.ts';
import { assertSucceeds } from '@ciro/core/settlement/succession.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { Earned } from '../ledger/payouts.ts';
import type { EpochTrees } from './epoch-trees.ts';
import type { PayoutBook } from './payout-book.ts';
import type { ChainEarnings, ChainPort, SettlementEvent, SettlementStore, StoredEpoch } from './ports.ts';

export interface EpochCloserDeps {
  readonly chain: Pick<ChainPort, 'chainId' | 'store' | 'funds'>;
  readonly store: SettlementStore;
  readonly ledger: ChainEarnings;
  readonly payouts: PayoutBook;
  readonly trees: EpochTrees;
  readonly now: () => number;
  readonly onEvent: (event: SettlementEvent) => void;
}

export interface EpochCloserOptions {
  readonly network: string;
  readonly rate: PayoutRate;
  /** An epoch is closed so long after the one before, milliseconds. */
  readonly everyMs: number;
  /** Or as soon as so many payees have earned more. */
  readonly maxChanged: number;
}

/** Closes epochs: from one reading of the ledger to a row in the outbox (SPEC X7). */
export class EpochCloser {
  readonly #deps: EpochCloserDeps;
  readonly #options: EpochCloserOptions;
  #early = false;

  constructor(deps: EpochCloserDeps, options: EpochCloserOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The next epoch is closed as soon as something changed and the one before is on the chain, whatever its time. */
  closeEarly(): void {
    this.#early = true;
  }

  /** Closes the epoch that is due, if one is. Throws `unbacked`, `no-address`, or SettlementError; nothing is stored then. */
  async closeDue(): Promise<EpochData | undefined> {
    const { store, chain, trees, now, onEvent } = this.#deps;
    const { network, everyMs, maxChanged } = this.#options;
    const newest = await store.list(KEPT_ROOTS);
    if (newest.some(({ state }) => state === 'closed' || state === 'posted')) return undefined;
    const before = await this.#before(newest);
    const entries = before?.entries ?? [];
    const due = this.#early || now() - (newest[0]?.closedAt ?? 0) >= everyMs;
    if (!due && changedPayees(await this.#payees(await this.#deps.ledger.earned()), entries) < maxChanged) return undefined;
    // Only for an epoch that may be closed: promotions go by what waits at that time, whoever was the first to wait.
    await this.#deps.ledger.promote();
    const { earned, head } = await this.#deps.ledger.statement();
    // What this statement says was earned before a change stays where it was (SPEC Y10).
    await this.#deps.payouts.applyDue(earned, (...of) => this.#deps.ledger.before(...of), now());
    const payees = await this.#payees(earned);
    if (changedPayees(payees, entries) === 0) {
      this.#early = false;
      return undefined;
    }

    const corrections = await store.waitingCorrections();
    const draft = draftEpoch({ network, chainId: chain.chainId, store: chain.store, epoch: (newest[0]?.summary.epoch ?? 0) + 1, payees, corrections, ledger: head });
    if (before !== undefined) assertSucceeds(before, draft);
    const { balance, paid } = await chain.funds();
    const backing = balance + paid;
    if (BigInt(draft.total) > backing) {
      const message = `epoch ${draft.epoch} owes ${draft.total} base units in all, and its contract holds ${balance} and has paid ${paid}; send ${BigInt(draft.total) - backing} more to ${chain.store}`;
      throw new SettlementServiceError('unbacked', message, { fault: 'user', fields: { epoch: draft.epoch, total: draft.total, balance: String(balance), paid: String(paid) } });
    }
    const tree = await trees.grow(draft);
    const epoch = sealEpoch(draft, rootOf(tree));
    await store.close(epoch, Math.floor(now()));
    this.#early = false;
    onEvent({ type: 'closed', epoch: epoch.epoch, count: epoch.count, total: BigInt(epoch.total) });
    return epoch;
  }

  /** Every account with what was ever earned for it; an account of several workers once. */
  async #payees(earned: ReadonlyMap<NodeId, Earned>): Promise<{ readonly account: string; readonly cumulative: bigint }[]> {
    const sums = new Map<string, bigint>();
    for (const { account, credits } of await this.#deps.payouts.shares(earned, (...of) => this.#deps.ledger.before(...of))) {
      const tokens = tokensOf(credits, this.#options.rate);
      if (tokens > 0n) sums.set(account, (sums.get(account) ?? 0n) + tokens);
    }
    return Array.from(sums, ([account, cumulative]) => ({ account, cumulative }));
  }

  /** The newest epoch that may be paid from; what a veto took away binds nobody. */
  async #before(newest: readonly StoredEpoch[]): Promise<EpochData | undefined> {
    const before = newest.find(({ state }) => state !== 'vetoed');
    return before === undefined ? undefined : this.#deps.store.data(before.summary.epoch);
  }
}

/** Final roots that stay claimable. */
export const KEPT_ROOTS = 8;

function changedPayees(payees: readonly { readonly account: string; readonly cumulative: bigint }[], entries: EpochData['entries']): number {
  const before = new Map(entries.map(({ account, cumulative }) => [account, BigInt(cumulative)]));
  const same = payees.filter(({ account, cumulative }) => before.get(account) === cumulative).length;
  return payees.length - same + Math.max(0, before.size - payees.length);
}
