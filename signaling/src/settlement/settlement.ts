import { hex } from '@ciro/core/settlement/epoch.ts';
import { proofOf } from '@ciro/core/settlement/epoch-tree.ts';
import { tokensOf } from '@ciro/core/settlement/rate.ts';
import { EpochCloser } from './epoch-closer.ts';
import { EpochOutbox } from './epoch-outbox.ts';
import { EpochTrees } from './epoch-trees.ts';
import { PayoutBook } from './payout-book.ts';
import { PayoutDesk } from './payout-desk.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { Clock } from '../sessions/clock.ts';
import type { EpochCloserOptions } from './epoch-closer.ts';
import type { PayoutDeskOptions } from './payout-desk.ts';
import type { PayoutBookDeps } from './payout-book.ts';
import type { ChainPort, EarningsPort, SettlementEvent, SettlementStore, StoredEpoch, TreeGrower } from './ports.ts';

/** Between two looks at chain and ledger: a block of Starknet takes some seconds. */
export const LOOK_EVERY_MS = 5_000;
/** An hour between epochs: what posting one costs is then small beside what it pays, and a worker waits no longer than for a bank. */
export const EPOCH_EVERY_MS = 3_600_000;
/** Payees that earned more, of which an epoch is closed at once: 80 full groups of claims. */
export const EPOCH_MAX_CHANGED = 10_000;
/** A tenth of a token is pushed; less waits for more, or for its owner's own claim. */
export const PUSH_FROM = 10n ** 17n;

export interface SettlementDeps {
  readonly clock: Clock;
  readonly chain: ChainPort;
  readonly store: SettlementStore;
  readonly ledger: EarningsPort;
  readonly grower: TreeGrower;
  readonly identityKeys: PayoutBookDeps['identityKeys'];
  readonly addressOf?: (identityPublicKey: string) => string;
  readonly onEvent: (event: SettlementEvent) => void;
  /** Hears of a step that failed; the next look tries it again. */
  readonly onError: (error: unknown) => void;
}

export type SettlementOptions = EpochCloserOptions & PayoutDeskOptions & { readonly lookEveryMs?: number };

/** One account's place in an epoch, as the contract's `claim` wants it. */
export interface EpochProof {
  readonly epoch: number;
  readonly account: string;
  readonly index: number;
  readonly cumulative: string;
  /** Siblings, lowest first; 0x hex. */
  readonly proof: readonly string[];
}

/**
 * Settlement of credits: closes epochs, posts them, follows them, pushes claims and books what was paid (SPEC X7, X8, M10). Everything it
 * knows is in the store, the ledger and the chain: it may end between any two steps and begin again.
 */
export class Settlement {
  readonly #deps: SettlementDeps;
  readonly #lookEveryMs: number;
  readonly #rate: PayoutRate;
  readonly #payouts: PayoutBook;
  readonly #trees: EpochTrees;
  readonly #closer: EpochCloser;
  readonly #outbox: EpochOutbox;
  readonly #desk: PayoutDesk;
  #look: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(deps: SettlementDeps, options: SettlementOptions) {
    this.#deps = deps;
    this.#lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#rate = options.rate;
    this.#payouts = new PayoutBook(deps);
    this.#trees = new EpochTrees(deps);
    const shared = { ...deps, payouts: this.#payouts, trees: this.#trees, now: () => deps.clock.now() };
    this.#closer = new EpochCloser(shared, options);
    this.#outbox = new EpochOutbox(shared);
    this.#desk = new PayoutDesk(shared, options);
  }

  /** Looks now, and again and again. */
  start(): void {
    this.#look = this.step().finally(() => {
      if (!this.#closed) this.#cancel = this.#deps.clock.after(this.#lookEveryMs, () => this.start());
    });
  }

  /** Looks no more; resolves when the look under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#look;
  }

  /** One look. What fails is told, and keeps the other parts from nothing: paying out goes on while a new epoch is refused. */
  async step(): Promise<void> {
    for (const part of [() => this.#outbox.step(), () => this.#closer.closeDue(), () => this.#outbox.step(), () => this.#desk.step()]) {
      if (this.#closed) return;
      try {
        await part();
      } catch (error) {
        this.#deps.onError(error);
      }
    }
  }

  /**
   * Takes back base units of credits that were made payable to a worker in error, under a name of its own (SPEC M10, X5): its next leaf is
   * lower. Called again with the same name it does what is left to do.
   */
  async correct(name: string, worker: NodeId, credits: bigint): Promise<void> {
    const account = (await this.#payouts.accounts([worker])).get(worker) ?? '';
    await this.#deps.ledger.correct(name, worker, credits);
    // Rounded up: the leaf falls by no more.
    await this.#deps.store.addCorrection({ account, by: String(tokensOf(credits + this.#rate.credits - 1n, this.#rate)), name });
  }

  /** Newest first, without their entries. */
  epochs(limit: number): Promise<readonly StoredEpoch[]> {
    return this.#deps.store.list(limit);
  }

  /** An epoch as it is published. */
  epoch(number: number): Promise<EpochData | undefined> {
    return this.#deps.store.data(number);
  }

  /** What an account needs to claim by itself; undefined when it is not in the epoch, or the epoch is not one of the newest. */
  async proof(number: number, account: string): Promise<EpochProof | undefined> {
    const newest = await this.#deps.store.list(PROVEN_EPOCHS);
    if (!newest.some(({ summary }) => summary.epoch === number)) return undefined;
    const grown = await this.#trees.of(number);
    const index = grown?.entries.findIndex((entry) => entry.account === account) ?? -1;
    const entry = grown?.entries[index];
    if (grown === undefined || entry === undefined) return undefined;
    return { epoch: number, account, index, cumulative: entry.cumulative, proof: proofOf(grown.tree, index).map(hex) };
  }
}

/** Proofs are given of the newest epochs: as many as stay claimable. Others would be hashed again for whoever asks. */
const PROVEN_EPOCHS = 8;
