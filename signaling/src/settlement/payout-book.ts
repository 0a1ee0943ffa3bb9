import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { SettlementStore } from './ports.ts';

export interface PayoutBookDeps {
  readonly store: Pick<SettlementStore, 'payouts' | 'bindPayouts'>;
  /** Identity public keys of nodes, as far as they are known. */
  readonly identityKeys: (nodes: readonly NodeId[]) => Promise<ReadonlyMap<string, string>>;
  /** Account of an identity key; replaced by tests that make the same addresses over and over. */
  readonly addressOf?: (identityPublicKey: string) => string;
}

/** Where workers are paid (SPEC X6). An address takes 10 ms or more to make, so it is made once and stored. */
export class PayoutBook {
  readonly #deps: PayoutBookDeps;
  /** All that were asked for: 100 bytes a worker. */
  readonly #known = new Map<NodeId, string>();

  constructor(deps: PayoutBookDeps) {
    this.#deps = deps;
  }

  /** Account of each worker. Throws `no-address` naming the first whose identity key is not known: leaving it out would let its amount fall. */
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
}
