import { treeOf } from '@ciro/core/settlement/epoch.ts';
import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { PROMOTION_DAILY_CAP_CREDITS } from '../ledger/promotions.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { MemoryChain } from './memory-chain.fixture.ts';
import { MemorySettlementStore } from './memory-settlement-store.fixture.ts';
import { Settlement } from './settlement.ts';
import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';
import type { EntryKind } from '@ciro/core/ledger/entry.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The launch's fee, basis points. */
const FEE = 250n;

/** Whole credits as base units. */
export const credits = (whole: number | bigint): bigint => BigInt(whole) * BASE_UNITS_PER_CREDIT;
export const workerAt = (index: number): NodeId => (index + 1).toString(16).padStart(40, '0') as NodeId;

/** A ledger, a chain that holds more than anybody could take, and settlement by the hour, in virtual time: what somebody who wants free money has to do with. */
export class Farm {
  readonly clock = new VirtualClock();
  readonly ledgerStore = new MemoryLedgerStore();
  readonly ledger = new Ledger(this.ledgerStore, { now: () => this.clock.now() });
  readonly chain = new MemoryChain({ balance: 10n ** 30n });
  readonly errors: unknown[] = [];
  readonly settlement: Settlement;
  #jobs = 0;
  #audits = 0;

  constructor() {
    const { clock, chain, ledger } = this;
    // Any one-to-one map will do for the addresses; the real one takes 10 ms each.
    const identityKeys = async (nodes: readonly NodeId[]): Promise<Map<string, string>> => new Map(nodes.map((node) => [node, node]));
    this.settlement = new Settlement(
      { clock, chain, ledger, store: new MemorySettlementStore(), grower: { grow: async (epoch) => treeOf(epoch) }, identityKeys, addressOf: (node) => `0x${BigInt(`0x${node}`).toString(16)}`, onEvent: () => undefined, onError: (error) => this.errors.push(error) },
      { network: 'ciro-test', rate: LAUNCH_RATE, everyMs: HOUR_MS, maxChanged: 10_000, pushFrom: 1n, ownClaimMs: 0 },
    );
  }

  /** Charges a job of `price` base units and shares it evenly among its workers, less the fee. Nothing of it is decided yet. */
  async work(requester: string, price: bigint, workers: readonly NodeId[], escrow?: string): Promise<JobId> {
    const job = (++this.#jobs).toString(16).padStart(32, '0') as JobId;
    const share = (price - (price * FEE) / 10_000n) / BigInt(workers.length);
    await this.ledger.hold(job, requester, price, { escrow });
    await this.ledger.settle(job, { debit: price, fee: price - share * BigInt(workers.length), credits: workers.map((worker) => ({ worker, amount: share })) });
    return job;
  }

  /** The same, and every stage passes with nothing withheld: the most that a job can give. */
  async passedWork(requester: string, price: bigint, workers: readonly NodeId[]): Promise<JobId> {
    const job = await this.work(requester, price, workers);
    for (const worker of workers) await this.ledger.payable(job, worker, 0n);
    return job;
  }

  async audit(job: JobId, auditor: NodeId, amount: bigint): Promise<void> {
    await this.ledger.auditPaid((++this.#audits).toString(16).padStart(32, 'a') as AuditId, job, auditor, amount);
  }

  /** Hours pass; everything that is due is settled and paid in them. */
  async pass(hours: number): Promise<void> {
    for (let hour = 0; hour < hours; hour++) {
      // Closed and posted, confirmed and claimable, pushed, booked.
      for (let look = 0; look < 3; look++) {
        await this.settlement.step();
        this.chain.mine();
        this.chain.time += HOUR_MS / 3_000;
        this.clock.advance(HOUR_MS / 3);
      }
    }
  }

  /** Base units that the chain has paid, to some workers or to all. */
  paid(workers?: readonly NodeId[]): bigint {
    const wanted = workers === undefined ? undefined : new Set(workers.map((node) => `0x${BigInt(`0x${node}`).toString(16)}`));
    return this.chain.payments.reduce((sum, { account, amount }) => (wanted === undefined || wanted.has(account) ? sum + amount : sum), 0n);
  }

  /** What requesters paid in, themselves or by contracts that hold it. */
  deposited(): bigint {
    return this.#credited('deposit') + this.#credited('escrow') - this.#credited('returned');
  }

  promoted(): bigint {
    return this.#credited('promotion');
  }

  /** The most that the caps let out between the first day and now. */
  promotionCap(): bigint {
    return credits(PROMOTION_DAILY_CAP_CREDITS) * BigInt(Math.floor(this.clock.now() / DAY_MS) + 1);
  }

  #credited(wanted: EntryKind): bigint {
    return this.ledgerStore.entries.filter(({ kind }) => kind === wanted).flatMap(({ lines }) => lines).reduce((sum, { amount }) => (amount > 0n ? sum + amount : sum), 0n);
  }
}
