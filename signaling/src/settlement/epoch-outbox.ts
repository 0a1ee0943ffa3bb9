import { SettlementServiceError } from './service-error.ts';
import type { ChainPort, EpochStatus, SettlementEvent, SettlementStore, StoredEpoch } from './ports.ts';

/** A transaction that is in no block after so long is sent again: the same epoch twice changes nothing. */
export const RESEND_AFTER_MS = 5 * 60_000;

export interface EpochOutboxDeps {
  readonly chain: Pick<ChainPort, 'postEpoch' | 'receipt' | 'epochInfo'>;
  readonly store: Pick<SettlementStore, 'list' | 'mark'>;
  readonly now: () => number;
  readonly onEvent: (event: SettlementEvent) => void;
}

/** Brings stored epochs to the chain, in their order, and follows them until they are claimable or vetoed (SPEC X7, X8). */
export class EpochOutbox {
  readonly #deps: EpochOutboxDeps;

  constructor(deps: EpochOutboxDeps) {
    this.#deps = deps;
  }

  /**
   * One look at every epoch that is on its way; each moves by as many steps as it can. Throws `foreign-root` or `reverted`, and what the
   * chain throws; the next call goes on from what is stored.
   */
  async step(): Promise<void> {
    const newest = await this.#deps.store.list(MAX_OPEN);
    const claimable = newest.find(({ state }) => state === 'claimable');
    // Of those that are claimable the newest stands for all: what takes away an older one takes it away, too.
    const open = newest.filter((epoch) => (epoch.state !== 'claimable' && epoch.state !== 'vetoed') || epoch === claimable);
    // Oldest first: the contract takes an epoch only after the one before it.
    for (const epoch of open.reverse()) {
      const state = await this.#advance(epoch);
      if (state === 'closed' || state === 'posted') return;
    }
  }

  async #advance(epoch: StoredEpoch): Promise<EpochStatus['state']> {
    const { chain } = this.#deps;
    const { epoch: number, root } = epoch.summary;
    const info = await chain.epochInfo(number);
    if (info !== undefined && BigInt(info.root) !== BigInt(root)) {
      throw new SettlementServiceError('foreign-root', `the contract has root ${info.root} for epoch ${number}, and ours is ${root}; somebody else posts with the settler's key, or this database is not the one that posted it`, { fault: 'platform', fields: { epoch: number, root, found: info.root } });
    }
    if (epoch.state === 'claimable' && info !== undefined) return 'claimable';
    const receipt = epoch.transaction === null ? undefined : await chain.receipt(epoch.transaction);
    const block = receipt?.state === 'in-block' ? receipt.block : null;
    if (epoch.state === 'confirmed' || epoch.state === 'claimable') this.#watch(epoch, block, info !== undefined);
    if (info === undefined) return this.#send(epoch, receipt);
    const status: EpochStatus = { ...epoch, state: 'confirmed', block };
    if (epoch.state !== 'confirmed') {
      await this.#mark(epoch, status);
      this.#deps.onEvent({ type: 'confirmed', epoch: number, transaction: status.transaction });
    } else if (block?.hash !== epoch.block?.hash) await this.#mark(epoch, status);
    if (info.state !== 'final' && info.state !== 'vetoed') return 'confirmed';
    const state = info.state === 'final' ? 'claimable' : 'vetoed';
    await this.#mark(epoch, { ...status, state });
    this.#deps.onEvent({ type: state, epoch: number });
    return state;
  }

  /** A confirmed epoch that is gone, or whose receipt moved, was in a block that the chain took back. */
  #watch({ summary, transaction, block: before }: StoredEpoch, block: EpochStatus['block'], there: boolean): void {
    if (there && (before === null || block?.hash === before.hash)) return;
    this.#deps.onEvent({ type: 'reorganised', epoch: summary.epoch, transaction });
  }

  /** The contract has no such epoch: sends it, unless a transaction that may still bring it is on its way. */
  async #send(epoch: StoredEpoch, receipt: Awaited<ReturnType<ChainPort['receipt']>> | undefined): Promise<'posted'> {
    const { chain, now, onEvent } = this.#deps;
    const { summary, postedAt } = epoch;
    const young = postedAt !== null && now() - postedAt < RESEND_AFTER_MS;
    if (receipt?.state === 'waiting' && young) return 'posted';
    if (receipt?.state === 'unknown' && young && epoch.state === 'posted') return 'posted';
    if (receipt?.state === 'reverted' && young) {
      throw new SettlementServiceError('reverted', `the contract refused epoch ${summary.epoch} in transaction ${epoch.transaction}: ${receipt.reason}; it is sent again ${RESEND_AFTER_MS / 60_000} minutes after it was sent`, { fault: 'platform', fields: { epoch: summary.epoch, transaction: epoch.transaction, reason: receipt.reason } });
    }
    const transaction = await chain.postEpoch(summary);
    await this.#mark(epoch, { state: 'posted', transaction, block: null, postedAt: Math.floor(now()) });
    onEvent({ type: 'posted', epoch: summary.epoch, transaction });
    return 'posted';
  }

  #mark({ summary }: StoredEpoch, { state, transaction, block, postedAt }: EpochStatus): Promise<void> {
    return this.#deps.store.mark(summary.epoch, { state, transaction, block, postedAt });
  }
}

/** Epochs that may be inside their challenge windows at a time: a window of three days of epochs an hour. */
const MAX_OPEN = 100;
