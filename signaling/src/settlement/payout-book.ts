import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { everEarned, relinked, sharesOf } from './payout-shares.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Earned } from '../ledger/payouts.ts';
import type { PayoutLink, PayoutLinkStore } from './link-ports.ts';
import type { Share, SharedWorker } from './payout-shares.ts';
import type { SettlementStore } from './ports.ts';

export interface PayoutBookDeps {
  readonly store: Pick<SettlementStore, 'payouts' | 'bindPayouts'>;
  /** Accounts that workers changed to; absent where none can. */
  readonly links?: PayoutLinkStore;
  /** Identity public keys of nodes, as far as they are known. */
  readonly identityKeys: (nodes: readonly NodeId[]) => Promise<ReadonlyMap<string, string>>;
  /** Account of an identity key; replaced by tests that make the same addresses over and over. */
  readonly addressOf?: (identityPublicKey: string) => string;
}

/** Where workers are paid (SPEC X6, Y10). An address takes 10 ms or more to make, so it is made once and stored. */
export class PayoutBook {
  readonly #deps: PayoutBookDeps;
  /** All that were asked for: 100 bytes a worker. */
  readonly #known = new Map<NodeId, string>();
  #links: Promise<ReadonlyMap<NodeId, PayoutLink>> | undefined;

  constructor(deps: PayoutBookDeps) {
    this.#deps = deps;
  }

  /** Own account of each worker. Throws `no-address` naming the first whose identity key is not known: leaving it out would let its amount fall. */
  async accounts(workers: readonly NodeId[]): Promise<ReadonlyMap<NodeId, string>> {
    const { store, identityKeys, addressOf = payoutAddress } = this.#deps;
    const strange = workers.filter((worker) => !this.#known.has(worker));
    if (strange.length > 0) for (const [worker, account] of await store.payouts(strange)) this.#known.set(worker, account);
    const unbound = strange.filter((worker) => !this.#known.has(worker));
    if (unbound.length > 0) {
      const keys = await identityKeys(unbound);
      const bound = new Map<NodeId, string>();
      for (const worker of unbound) {
        const key = keys.get(worker);
        if (key === undefined) throw new SettlementServiceError('no-address', `worker ${worker} earned credits and no record has its identity key; restore the table of nodes from a backup`, { fault: 'platform', fields: { worker } });
        bound.set(worker, addressOf(key));
        // Other work of this thread goes on between two addresses.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await store.bindPayouts(bound);
      for (const [worker, account] of bound) this.#known.set(worker, account);
    }
    return new Map(workers.map((worker) => [worker, this.#known.get(worker) as string]));
  }

  /** Own account of an identity. */
  ownOf(identityPublicKey: string): string {
    return (this.#deps.addressOf ?? payoutAddress)(identityPublicKey);
  }

  /** Where a worker is paid since its last change; undefined before the first. */
  async link(worker: NodeId): Promise<PayoutLink | undefined> {
    return (await this.#allLinks()).get(worker);
  }

  /** Every account that a worker has something at, with what it is (SPEC Y10). Throws `no-address`, `overdrawn`. */
  async shares(earned: ReadonlyMap<NodeId, Earned>, before: SharedWorker['before']): Promise<Share[]> {
    const accounts = await this.accounts([...earned.keys()]);
    const links = await this.#allLinks();
    return [...earned].flatMap(([worker, each]) => sharesOf({ worker, own: accounts.get(worker) ?? '', earned: each, link: links.get(worker), before }));
  }

  /** Applies the changes whose time has come, by what everybody has earned at this moment. */
  async applyDue(earned: ReadonlyMap<NodeId, Earned>, before: SharedWorker['before'], now: number): Promise<void> {
    const { links } = this.#deps;
    if (links === undefined) return;
    for (const [worker, { change }] of await links.due(now)) {
      const own = this.ownOf(change.worker);
      const link = (await this.link(worker)) ?? { account: own, since: 0, kept: new Map<string, bigint>() };
      const ever = everEarned({ worker, own, earned: earned.get(worker) ?? { payable: 0n, settled: 0n }, link, before });
      try {
        await links.apply(worker, change.nonce, relinked(worker, ever, link, change.account, now));
      } finally {
        this.#links = undefined;
      }
    }
  }

  #allLinks(): Promise<ReadonlyMap<NodeId, PayoutLink>> {
    this.#links ??= (this.#deps.links?.links() ?? Promise.resolve(new Map<NodeId, PayoutLink>())).catch((error: unknown) => {
      this.#links = undefined;
      throw error;
    });
    return this.#links;
  }
}
