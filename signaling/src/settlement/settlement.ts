import { hex } from '@ciro/core/settlement/epoch.ts';
import { proofOf } from '@ciro/core/settlement/epoch-tree.ts';
import { tokensOf } from '@ciro/core/settlement/rate.ts';
import { ChainBook } from './chain-book.ts';
import { EpochCloser } from './epoch-closer.ts';
import { EpochOutbox } from './epoch-outbox.ts';
import { EpochTrees } from './epoch-trees.ts';
import { PayoutBook } from './payout-book.ts';
import { PayoutDesk } from './payout-desk.ts';
import { PAYOUT_DELAY_MS, PayoutLinks } from './payout-links.ts';
import { PerformanceOutbox } from './performance-outbox.ts';
import { SettlementServiceError } from './service-error.ts';
import { WorkerTouches } from './worker-touches.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochData } from '@ciro/core/settlement/epoch.ts';
import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { Clock } from '../sessions/clock.ts';
import type { ChainBookOptions } from './chain-book.ts';
import type { EpochCloserOptions } from './epoch-closer.ts';
import type { AccountSignatures, PayoutLinkStore } from './link-ports.ts';
import type { PerformanceDeps, PerformanceProof } from './performance-outbox.ts';
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
  /** Accounts that workers change to, and who says whose a signature is; where either is absent none can be changed. */
  readonly links?: PayoutLinkStore;
  readonly signatures?: AccountSignatures;
  /** The pool that hears of what workers did; absent where nobody tells it. */
  readonly performance?: Pick<PerformanceDeps, 'pool' | 'store' | 'figures' | 'grow'>;
  readonly onEvent: (event: SettlementEvent) => void;
  /** Hears of a step that failed; the next look tries it again. */
  readonly onError: (error: unknown) => void;
}

export type SettlementOptions = ChainBookOptions & EpochCloserOptions & PayoutDeskOptions & { readonly lookEveryMs?: number; /** Milliseconds that a changed payout account waits (SPEC Y9); PAYOUT_DELAY_MS when absent. */ readonly payoutDelayMs?: number };

/** What one worker was paid on the chain. */
export interface Payment {
  readonly worker: NodeId;
  readonly account: string;
  /** Base units of credits. */
  readonly credits: bigint;
}

/** One account's place in an epoch, as the contract's `claim` wants it. */
export interface EpochProof {
  readonly epoch: number;
  readonly account: string;
  readonly index: number;
  readonly cumulative: string;
  /** Siblings, lowest first; 0x hex. */
  readonly proof: readonly string[];
}

/** What a failure is remembered by: while the same is missing in the contract, each new total of an epoch that it does not back says nothing more. */
function whatIsTold(error: unknown): string {
  if (!(error instanceof SettlementServiceError) || error.code !== 'unbacked') return String(error);
  const { balance, paid } = error.fields;
  return `unbacked by ${String(balance)} and ${String(paid)}`;
}

/** Sentences of failing looks that are remembered, so that each is told once. */
const MAX_TOLD = 100;

/**
 * Settlement of credits: closes epochs, posts them, follows them, pushes claims and books what was paid (SPEC X7 to X10, M10). Everything it
 * knows is in the store, the ledger and the chain: it may end between any two steps and begin again.
 */
export class Settlement {
  readonly #deps: SettlementDeps;
  readonly #options: SettlementOptions;
  readonly #rate: PayoutRate;
  readonly #payouts: PayoutBook;
  readonly #book: ChainBook;
  /** Changes of payout accounts; undefined where none can be made. */
  readonly links: PayoutLinks | undefined;
  #parts: Parts;
  /** What was told of looks that failed since the last one that did not. */
  readonly #told = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  #look: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(deps: SettlementDeps, options: SettlementOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#rate = options.rate;
    this.#payouts = new PayoutBook(deps);
    this.#book = new ChainBook(deps, options);
    const { links, signatures, chain, clock } = deps;
    this.links = links === undefined || signatures === undefined ? undefined : new PayoutLinks({ chain, links, signatures, payouts: this.#payouts, now: () => clock.now(), delayMs: options.payoutDelayMs ?? PAYOUT_DELAY_MS });
    this.#parts = this.#make();
  }

  #make(): Parts {
    const trees = new EpochTrees(this.#deps);
    const shared = { ...this.#deps, ledger: this.#book, payouts: this.#payouts, trees, now: () => this.#deps.clock.now() };
    return { trees, closer: new EpochCloser(shared, this.#options), outbox: new EpochOutbox(shared), ...this.#makePerformance(), desk: new PayoutDesk(shared, this.#options) };
  }

  #makePerformance(): Pick<Parts, 'performance' | 'touches'> {
    const { performance, store: epochs, clock, onEvent } = this.#deps;
    if (performance === undefined) return {};
    const shared = { ...performance, epochs, payouts: this.#payouts, now: () => clock.now(), onEvent };
    return { performance: new PerformanceOutbox(shared), touches: new WorkerTouches(shared) };
  }

  /** Looks now, and again and again. */
  start(): void {
    this.#look = this.step().finally(() => {
      if (!this.#closed) this.#cancel = this.#deps.clock.after(this.#options.lookEveryMs ?? LOOK_EVERY_MS, () => this.start());
    });
  }

  /** Looks no more; resolves when the look under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#look;
  }

  /** One look. What fails is told once, and keeps the other parts from nothing: paying out goes on while a new epoch is refused. */
  async step(): Promise<void> {
    const failed: unknown[] = [];
    const run = async (part: () => Promise<unknown>): Promise<void> => {
      if (!this.#closed) await part().catch((error: unknown) => void failed.push(error));
    };
    await run(async () => {
      if (!(await this.#book.check())) return;
      this.#parts = this.#make();
      this.#deps.onEvent({ type: 'began-anew' });
    });
    // Of a chain that does not answer, or is another one, there is nothing to be done.
    if (failed.length === 0) {
      const { outbox, closer, desk, performance, touches } = this.#parts;
      for (const part of [() => outbox.step(), () => closer.closeDue(), () => outbox.step(), () => desk.step(), async () => performance?.step(), async () => touches?.step()]) await run(part);
    }
    if (failed.length === 0 || this.#told.size > MAX_TOLD) this.#told.clear();
    for (const error of failed) {
      const text = whatIsTold(error);
      if (!this.#told.has(text)) this.#deps.onError(error);
      this.#told.add(text);
    }
    for (const looked of this.#waiting.splice(0)) looked();
  }

  /**
   * Closes the next epoch early, and resolves with what was paid once everybody who is owed the pushed amount at this moment has it, booked.
   * Looks have to go on meanwhile (`start`, or `step`). Rejects when `signal` aborts; everything goes on then all the same.
   */
  async payOut(signal: AbortSignal): Promise<readonly Payment[]> {
    await this.#deps.ledger.promote();
    const before = await this.#deps.ledger.earned();
    const least = this.#options.pushFrom ?? 0n;
    const owed = [...before].filter(([, { payable }]) => payable > 0n && tokensOf(payable, this.#rate) >= least);
    this.#parts.closer.closeEarly();
    for (;;) {
      const now = await this.#deps.ledger.earned();
      if (owed.every(([worker, { payable, settled }]) => (now.get(worker)?.settled ?? 0n) >= payable + settled)) break;
      await this.#nextLook(signal);
    }
    const accounts = await this.#payouts.accounts(owed.map(([worker]) => worker));
    return Promise.all(owed.map(async ([worker, { payable }]) => ({ worker, account: (await this.#payouts.link(worker))?.account ?? accounts.get(worker) ?? '', credits: payable })));
  }

  #nextLook(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  /**
   * Takes back base units of credits that were made payable to a worker in error, under a name of its own (SPEC M10, X5): its next leaf is
   * lower. Called again with the same name it does what is left to do. It is taken at the account that the worker is paid at now; throws `overdrawn` when less is owed there.
   */
  async correct(name: string, worker: NodeId, credits: bigint): Promise<void> {
    const link = await this.#payouts.link(worker);
    const account = link?.account ?? (await this.#payouts.accounts([worker])).get(worker) ?? '';
    if (link !== undefined) await this.#checkCorrection(worker, account, credits);
    await this.#deps.ledger.correct(name, worker, credits);
    // Rounded up: the leaf falls by no more.
    await this.#deps.store.addCorrection({ account, by: String(tokensOf(credits + this.#rate.credits - 1n, this.#rate)), name });
  }

  async #checkCorrection(worker: NodeId, account: string, credits: bigint): Promise<void> {
    const earned = new Map([...(await this.#book.earned())].filter(([each]) => each === worker));
    const share = (await this.#payouts.shares(earned, (...of) => this.#book.before(...of))).find((each) => each.account === account);
    const owed = (share?.credits ?? 0n) - (share?.settled ?? 0n);
    if (credits > owed) throw new SettlementServiceError('overdrawn', `a correction of ${credits} base units, and ${worker} is owed ${owed} at ${account}; what earlier accounts keep is corrected by nobody`, { fault: 'user', fields: { worker, account } });
  }

  /** Newest first, without their entries. */
  epochs(limit: number): Promise<readonly StoredEpoch[]> {
    return this.#deps.store.list(limit);
  }

  /** An epoch as it is published. */
  epoch(number: number): Promise<EpochData | undefined> {
    return this.#deps.store.data(number);
  }

  /** What workers did up to an epoch, as it is published (SPEC X11); undefined when nothing is kept of it. */
  async performance(number: number): Promise<PerformanceData | undefined> {
    return this.#parts.performance?.data(number);
  }

  /** What `prove_active` of the pool needs for a worker; of the newest performance. */
  async performanceProof(number: number, worker: string): Promise<PerformanceProof | undefined> {
    return this.#parts.performance?.proof(number, worker);
  }

  /** What an account needs to claim by itself; undefined when it is not in the epoch, or the epoch is not one of the newest. */
  async proof(number: number, account: string): Promise<EpochProof | undefined> {
    const newest = await this.#deps.store.list(PROVEN_EPOCHS);
    if (!newest.some(({ summary }) => summary.epoch === number)) return undefined;
    const grown = await this.#parts.trees.of(number);
    const index = grown?.entries.findIndex((entry) => entry.account === account) ?? -1;
    const entry = grown?.entries[index];
    if (grown === undefined || entry === undefined) return undefined;
    return { epoch: number, account, index, cumulative: entry.cumulative, proof: proofOf(grown.tree, index).map(hex) };
  }
}

interface Parts {
  readonly trees: EpochTrees;
  readonly closer: EpochCloser;
  readonly outbox: EpochOutbox;
  readonly desk: PayoutDesk;
  readonly performance?: PerformanceOutbox;
  readonly touches?: WorkerTouches;
}

/** Proofs are given of the newest epochs: as many as stay claimable. Others would be hashed again for whoever asks. */
const PROVEN_EPOCHS = 8;
