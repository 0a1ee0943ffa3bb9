import { treeOf } from '@ciro/core/settlement/epoch.ts';
import { identityPublicKey, nodeIdOf } from '@ciro/core/identity/identity.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { MemoryPayoutLinks } from './memory-payout-links.fixture.ts';
import { MemoryChain } from './memory-chain.fixture.ts';
import { MemoryPool } from './memory-pool.fixture.ts';
import { MemorySettlementStore } from './memory-settlement-store.fixture.ts';
import { performanceTree } from '@ciro/core/settlement/performance.ts';
import { Settlement } from './settlement.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { AccountSignatures } from './link-ports.ts';
import type { SettlementOptions } from './settlement.ts';
import type { WorkerFigures } from './performance-ports.ts';
import type { SettlementEvent, TreeGrower } from './ports.ts';

const RATES = { promptToken: 1n, generatedToken: 1n, feeBasisPoints: 0n };
export const EVERY_MS = 60_000;

/** Trees without threads and without the tree before. */
export const plainTrees: TreeGrower = { grow: async (epoch) => treeOf(epoch) };

/** Workers with their keys and accounts, in a fixed order. */
export const WORKERS: readonly { readonly node: NodeId; readonly key: string; readonly account: string }[] = [0x1n, 0x2n, 0x3n, 0x4n, 0x5n].map((secret) => {
  const key = identityPublicKey(`0x${secret.toString(16)}`);
  return { node: nodeIdOf(key), key, account: payoutAddress(key) };
});

/** A ledger, a chain and a settlement service over both, in virtual time. `crash` is asked before and after each write and call. */
export class SettledNetwork {
  readonly clock = new VirtualClock();
  readonly ledgerStore: MemoryLedgerStore;
  readonly ledger: Ledger;
  readonly chain: MemoryChain;
  readonly store: MemorySettlementStore;
  readonly pool: MemoryPool;
  readonly #figures = new Map<NodeId, WorkerFigures>();
  readonly links: MemoryPayoutLinks;
  /** What the chain says of every signature of a linked account. */
  said: Awaited<ReturnType<AccountSignatures['check']>> = 'valid';
  readonly events: SettlementEvent[] = [];
  readonly errors: unknown[] = [];
  readonly options: SettlementOptions = { network: 'ciro-test', rate: LAUNCH_RATE, everyMs: EVERY_MS, maxChanged: 100, pushFrom: 1n, ownClaimMs: 0 };
  settlement: Settlement;
  #jobs = 0;

  constructor({ balance = 10n ** 30n, crash = () => undefined, options = {} }: { readonly balance?: bigint; readonly crash?: (step: string) => void; readonly options?: Partial<SettlementOptions> } = {}) {
    this.options = { ...this.options, ...options };
    this.ledgerStore = new MemoryLedgerStore((step) => crash(`ledger ${step}`));
    this.ledger = new Ledger(this.ledgerStore, { now: () => this.clock.now() });
    this.chain = new MemoryChain({ balance, crash: (step) => crash(`chain ${step}`) });
    this.store = new MemorySettlementStore((step) => crash(`store ${step}`));
    this.pool = new MemoryPool(() => Math.floor(this.clock.now() / 1_000), (step) => crash(step));
    this.links = new MemoryPayoutLinks((step) => crash(`links ${step}`));
    this.settlement = this.restart();
  }

  /** A new service over what is stored, as after a crash. */
  restart(): Settlement {
    const { clock, chain, store, ledger, links } = this;
    this.settlement = new Settlement(
      { clock, chain, store, ledger, links, signatures: { check: async () => this.said }, grower: plainTrees, performance: { pool: this.pool, store: store.performance, figures: async () => [...this.#figures.values()], grow: async (draft) => performanceTree(draft) }, identityKeys: async () => new Map(WORKERS.map(({ node, key }) => [node, key])), addressOf: (wanted) => WORKERS.find(({ key }) => key === wanted)?.account ?? '', onEvent: (event) => this.events.push(event), onError: (error) => this.errors.push(error) },
      this.options,
    );
    return this.settlement;
  }

  /** A worker is there at this moment, and did all of this so far. */
  sees(worker: number, did: Partial<WorkerFigures> = {}): void {
    const node = WORKERS[worker]?.node ?? ('' as NodeId);
    this.#figures.set(node, { ...(this.#figures.get(node) ?? { node, jobs: 0, auditsPassed: 0, auditsFailed: 0 }), ...did, lastSeen: this.clock.now() });
  }

  /** Pays workers of one job that passed, by a trial: `amounts[i]` base units to worker i. */
  async earn(...amounts: readonly number[]): Promise<void> {
    await this.ledger.start();
    await this.ledger.openTrial('ada');
    await this.#work('ada', amounts);
  }

  /** The same, by a deposit: payable without a promotion. */
  async earnPaid(...amounts: readonly number[]): Promise<void> {
    await this.ledger.start();
    await this.ledger.deposit(String(this.#jobs), 'bob', BigInt(amounts.reduce((sum, amount) => sum + amount, 0)));
    await this.#work('bob', amounts);
  }

  async #work(requester: string, amounts: readonly number[]): Promise<void> {
    const job = (++this.#jobs).toString(16).padStart(32, '0') as JobId;
    const total = amounts.reduce((sum, amount) => sum + amount, 0);
    await this.ledger.hold(job, requester, BigInt(total));
    const paid = amounts.flatMap((amount, index) => (amount === 0 ? [] : [{ worker: WORKERS[index]?.node ?? '', amount: BigInt(amount) }]));
    await this.ledger.settle(job, { ...charge(RATES, 0, 0, []), debit: BigInt(total), fee: 0n, credits: paid });
    for (const { worker } of paid) await this.ledger.payable(job, worker as NodeId, 0n);
  }

  /** `count` looks with a block after each, a little time apart. */
  async run(count: number): Promise<void> {
    for (let look = 0; look < count; look++) {
      await this.settlement.step();
      this.chain.mine();
      this.chain.time += 30;
      this.clock.advance(30_000);
    }
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }
}
