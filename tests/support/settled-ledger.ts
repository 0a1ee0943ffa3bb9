import { identityPublicKey, nodeIdOf } from '@ciro/core/identity/identity.ts';
import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { ChainSignatures } from '@ciro/signaling/chain/account-signatures.ts';
import { CommitmentStore } from '@ciro/signaling/chain/commitment-store.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { systemClock } from '@ciro/signaling/sessions/clock.ts';
import { Settlement } from '@ciro/signaling/settlement/settlement.ts';
import { ThreadedTrees } from '@ciro/signaling/settlement/threaded-trees.ts';
import { openMemoryPglite } from '@ciro/signaling/store/open-pglite.ts';
import { storeOf } from '@ciro/signaling/store/open-store.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { SettlementEvent } from '@ciro/signaling/settlement/ports.ts';
import type { SettlementOptions } from '@ciro/signaling/settlement/settlement.ts';
import type { Store } from '@ciro/signaling/store/open-store.ts';
import type { SettlementDevnet } from './settlement-devnet.ts';

/** Workers of one job; a plan has at most 64 stages. */
const JOB_STAGES = 50;

export interface Payee {
  readonly node: NodeId;
  readonly key: string;
}

/** A ledger in the embedded database and settlement over a devnet, with workers that earn what a test says. */
export class SettledLedger implements AsyncDisposable {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly payees: readonly Payee[];
  readonly events: SettlementEvent[] = [];
  readonly errors: unknown[] = [];
  readonly #devnet: SettlementDevnet;
  readonly #options: Partial<SettlementOptions>;
  settlement: Settlement;
  #jobs = 0;

  static async open(devnet: SettlementDevnet, payees: number, options: Partial<SettlementOptions> = {}): Promise<SettledLedger> {
    const store = await storeOf(await openMemoryPglite());
    const made = Array.from({ length: payees }, (_, index): Payee => {
      const key = identityPublicKey(`0x${(index + 77).toString(16)}`);
      return { key, node: nodeIdOf(key) };
    });
    const ledger = new Ledger(store.ledger, { now: Date.now });
    await ledger.start();
    await ledger.openTrial('ada');
    return new SettledLedger(devnet, store, ledger, made, options);
  }

  private constructor(devnet: SettlementDevnet, store: Store, ledger: Ledger, payees: readonly Payee[], options: Partial<SettlementOptions>) {
    this.#devnet = devnet;
    this.store = store;
    this.ledger = ledger;
    this.payees = payees;
    this.#options = options;
    this.settlement = this.restart();
  }

  /** A new service over what is stored. */
  restart(): Settlement {
    const { rpc, chainId, store, settler } = this.#devnet;
    const keys = new Map(this.payees.map(({ node, key }) => [node as string, key]));
    this.settlement = new Settlement(
      {
        clock: systemClock,
        chain: new CommitmentStore({ rpc, chainId, store, settler, confirmations: 0 }),
        store: this.store.settlement,
        ledger: this.ledger,
        links: this.store.payoutLinks,
        signatures: new ChainSignatures({ rpc, chainId }),
        grower: new ThreadedTrees({ threads: 2 }),
        identityKeys: async () => keys,
        onEvent: (event) => this.events.push(event),
        onError: (error) => this.errors.push(error),
      },
      { network: 'ciro-devnet', rate: LAUNCH_RATE, everyMs: 0, maxChanged: 1, pushFrom: 1n, ownClaimMs: 0, mayBeginAnew: true, ...this.#options },
    );
    return this.settlement;
  }

  /** Pays the first workers, of jobs that passed: `amounts[i]` base units to worker i. */
  async earn(amounts: readonly bigint[]): Promise<void> {
    for (let first = 0; first < amounts.length; first += JOB_STAGES) {
      const job = (++this.#jobs).toString(16).padStart(32, '0') as JobId;
      const credits = amounts.slice(first, first + JOB_STAGES).map((amount, index) => ({ worker: this.payees[first + index]?.node ?? '', amount }));
      const debit = credits.reduce((sum, { amount }) => sum + amount, 0n);
      await this.ledger.hold(job, 'ada', debit);
      await this.ledger.settle(job, { debit, fee: 0n, credits });
      for (const { worker } of credits) await this.ledger.payable(job, worker as NodeId, 0n);
    }
  }

  /** Base units by which ledger and chain differ, over all workers; nobody's difference makes up for another's. */
  async unitsApart(): Promise<bigint> {
    const earned = await this.ledger.earned();
    const accounts = await this.store.settlement.payouts(this.payees.map(({ node }) => node));
    let apart = 0n;
    for (const { node } of this.payees) {
      const account = accounts.get(node);
      const paid = account === undefined ? 0n : await this.#devnet.tokensOf(account);
      const difference = (earned.get(node)?.settled ?? 0n) - paid;
      apart += difference < 0n ? -difference : difference;
    }
    return apart;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settlement.close();
    await this.store.close();
  }
}
