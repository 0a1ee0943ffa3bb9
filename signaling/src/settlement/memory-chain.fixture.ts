import { climb, growTree, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import type { ChainBlock, ChainEpoch, ChainPort, ClaimGroup, EpochSummary, Receipt } from './ports.ts';

interface State {
  readonly epochs: Map<number, { readonly root: bigint; readonly total: bigint; readonly count: number; readonly depth: number; readonly claimableAt: number; vetoed: boolean }>;
  readonly paid: Map<string, bigint>;
  balance: bigint;
}

/** Seconds. */
const CHALLENGE_WINDOW = 60;

/**
 * The settlement contract's rules in memory, for tests: order, idempotent repeats, funding, window, veto, last eight roots, proofs. A
 * transaction is in a block of its own with `mine`; `reorganise` takes blocks back. `crash` is asked before and after whatever is sent.
 */
export class MemoryChain implements ChainPort {
  readonly chainId = '0x534e5f54455354';
  readonly store = '0x5707e';
  #births = 1;
  /** Unix seconds. */
  time = 1_000;
  /** Every payment that was made, in order: what a doubled claim would show in. */
  payments: { readonly account: string; readonly amount: bigint }[] = [];
  posts = 0;
  readonly #crash: (step: string) => void;
  #state: State = { epochs: new Map(), paid: new Map(), balance: 0n };
  readonly #blocks: { readonly block: ChainBlock; readonly before: State; readonly payments: number; readonly transaction: string }[] = [];
  readonly #receipts = new Map<string, Receipt>();
  readonly #waiting: { readonly transaction: string; readonly run: () => void }[] = [];
  #count = 0;

  constructor(options: { readonly balance: bigint; readonly crash?: (step: string) => void }) {
    this.#state.balance = options.balance;
    this.#crash = options.crash ?? (() => undefined);
  }

  async birth(): Promise<string> {
    this.#crash('birth');
    return `0xb${this.#births}`;
  }

  /** Its process ended and was started anew: everything is gone but what it is funded with. */
  beginAnew(balance: bigint): void {
    this.#births++;
    this.#state = { epochs: new Map(), paid: new Map(), balance };
    this.#blocks.splice(0);
    this.#receipts.clear();
    this.#waiting.splice(0);
  }

  async postEpoch({ epoch, root, total, count, depth }: EpochSummary): Promise<string> {
    return this.#send('post', () => {
      const { epochs, paid, balance } = this.#state;
      const posted = epochs.get(epoch);
      if (posted !== undefined) {
        if (posted.root !== BigInt(root) || posted.total !== BigInt(total)) throw new Error('CIRO-CS: epoch exists');
        return;
      }
      if (epoch !== epochs.size + 1) throw new Error('CIRO-CS: not the next epoch');
      if (BigInt(total) - sum(paid) > balance) throw new Error('CIRO-CS: not funded');
      epochs.set(epoch, { root: BigInt(root), total: BigInt(total), count, depth, claimableAt: this.time + CHALLENGE_WINDOW, vetoed: false });
      this.posts++;
    });
  }

  async claimGroups(groups: readonly ClaimGroup[]): Promise<string> {
    return this.#send('claim', () => {
      for (const group of groups) this.#claim(group);
    });
  }

  #claim({ epoch, first, items, proof }: ClaimGroup): void {
    const { epochs, paid } = this.#state;
    const posted = epochs.get(epoch);
    if (posted === undefined || posted.vetoed || this.time < posted.claimableAt) throw new Error('CIRO-CS: not claimable yet');
    const later = [...epochs].filter(([number, { claimableAt, vetoed }]) => number > epoch && !vetoed && this.time >= claimableAt);
    if (later.length >= 8) throw new Error('CIRO-CS: too old');
    const leaf = leafHasher(this);
    const levels = Math.log2(items.length);
    const leaves = items.map(({ account, cumulative }, at) => {
      if ((account === '0x0') !== first + at >= posted.count) throw new Error('CIRO-CS: index range');
      return account === '0x0' ? 0n : leaf(BigInt(account), cumulative);
    });
    if (first % items.length !== 0) throw new Error('CIRO-CS: misaligned');
    if (proof.length + levels !== posted.depth) throw new Error('CIRO-CS: bad proof length');
    if (climb(rootOf(growTree(leaves, { depth: levels })), first / items.length, proof) !== posted.root) throw new Error('CIRO-CS: bad proof');
    for (const { account, cumulative } of items) {
      const amount = cumulative - (paid.get(account) ?? 0n);
      if (account === '0x0' || amount <= 0n) continue;
      if (amount > this.#state.balance) throw new Error('CIRO-CS: not funded');
      paid.set(account, cumulative);
      this.#state.balance -= amount;
      this.payments.push({ account, amount });
    }
  }

  #send(step: string, run: () => void): string {
    this.#crash(step);
    const transaction = `0x${(++this.#count).toString(16)}`;
    this.#waiting.push({ transaction, run });
    this.#crash(`${step} sent`);
    return transaction;
  }

  /** Puts everything that waits into blocks. */
  mine(): void {
    for (const { transaction, run } of this.#waiting.splice(0)) {
      const before = structuredClone(this.#state);
      const payments = this.payments.length;
      const block = { number: this.#blocks.length, hash: `0xb${(++this.#count).toString(16)}` };
      try {
        run();
        this.#receipts.set(transaction, { state: 'in-block', block });
      } catch (error) {
        this.#state = before;
        this.payments.length = payments;
        this.#receipts.set(transaction, { state: 'reverted', block, reason: String(error) });
      }
      this.#blocks.push({ block, before, payments, transaction });
    }
  }

  /** Takes the last `count` blocks back; their transactions are forgotten. */
  reorganise(count: number): void {
    for (const { before, payments, transaction } of this.#blocks.splice(-count).reverse()) {
      this.#state = before;
      this.payments.length = payments;
      this.#receipts.delete(transaction);
    }
  }

  veto(epoch: number): void {
    const posted = this.#state.epochs.get(epoch);
    if (posted !== undefined) posted.vetoed = true;
  }

  fund(amount: bigint): void {
    this.#state.balance += amount;
  }

  async receipt(transaction: string): Promise<Receipt> {
    return this.#receipts.get(transaction) ?? { state: this.#waiting.some((each) => each.transaction === transaction) ? 'waiting' : 'unknown' };
  }
  async epochInfo(epoch: number): Promise<ChainEpoch | undefined> {
    this.#crash('info');
    const posted = this.#state.epochs.get(epoch);
    if (posted === undefined) return undefined;
    const { root, total, claimableAt, vetoed } = posted;
    return { root: `0x${root.toString(16)}`, total, claimableAt, state: vetoed ? 'vetoed' : this.time >= claimableAt ? 'final' : 'pending' };
  }
  async paidOf(accounts: readonly string[]): Promise<bigint[]> {
    return accounts.map((account) => this.#state.paid.get(account) ?? 0n);
  }
  async funds(): Promise<{ balance: bigint; paid: bigint }> {
    return { balance: this.#state.balance, paid: sum(this.#state.paid) };
  }
  get paid(): ReadonlyMap<string, bigint> {
    return this.#state.paid;
  }
}

const sum = (amounts: ReadonlyMap<string, bigint>): bigint => [...amounts.values()].reduce((total, amount) => total + amount, 0n);
