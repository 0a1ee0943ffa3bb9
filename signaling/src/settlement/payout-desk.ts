import { groupProof } from '@ciro/core/settlement/epoch-tree.ts';
import { creditsFor, tokensOf } from '@ciro/core/settlement/rate.ts';
import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { MAX_GROUP, planGroups } from './group-plan.ts';
import { SettlementServiceError } from './service-error.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { EpochTrees } from './epoch-trees.ts';
import type { PayoutBook } from './payout-book.ts';
import type { Share } from './payout-shares.ts';
import type { ChainEarnings, ChainPort, ClaimGroup, GrownTree, SettlementEvent, SettlementStore } from './ports.ts';

/** Accounts that one look asks the chain about, for each of two blocks. */
const PAGE_ACCOUNTS = 1_000;
/** Leaves in one transaction: three full groups were measured at 363 M of L2 gas. */
const MAX_LEAVES = 384;
/** A push that is in no block after so long is sent again; what was paid meanwhile is paid once. */
const RESEND_AFTER_MS = 5 * 60_000;
/** Epochs that are looked through for the newest claimable one. */
const LOOK_BACK = 100;

/** Whom the contract has never paid has so long for its own first claim, which shows its owner that the account works. Ten minutes: a tab that is open claims within one. */
export const OWN_CLAIM_WAIT_MS = 10 * 60_000;

export interface PayoutDeskDeps {
  readonly chain: Pick<ChainPort, 'paidOf' | 'claimGroups' | 'receipt'>;
  readonly store: Pick<SettlementStore, 'list'>;
  readonly ledger: ChainEarnings;
  readonly payouts: PayoutBook;
  readonly trees: EpochTrees;
  readonly now: () => number;
  readonly onEvent: (event: SettlementEvent) => void;
}

export interface PayoutDeskOptions {
  readonly rate: PayoutRate;
  /** Groups are pushed for payees whom the newest claimable epoch owes so many base units of the token, or more; null pushes none. */
  readonly pushFrom: bigint | null;
  /** Milliseconds that a first payment is left to its payee (SPEC X9); OWN_CLAIM_WAIT_MS when absent. */
  readonly ownClaimMs?: number;
}

interface Payee {
  readonly account: string;
  /** Whose account it is: one worker's, or, of a linked one, perhaps several. */
  readonly holders: readonly Share[];
  readonly index: number;
  readonly cumulative: bigint;
}

/** Pays out what is claimable, and books what the chain has paid (SPEC X8, M10). */
export class PayoutDesk {
  readonly #deps: PayoutDeskDeps;
  readonly #options: PayoutDeskOptions;
  /** The push that is on its way: nothing else is pushed before it is in a block. */
  #push: { readonly transaction: string; readonly at: number } | undefined;
  /** Whom the contract has never paid, and since when it could. */
  readonly #firstOwed = new Map<string, number>();
  /** Where the next look begins among those who are owed something. */
  #cursor = 0;

  constructor(deps: PayoutDeskDeps, options: PayoutDeskOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** One look at the next of those whom the newest claimable epoch owes something by the ledger. */
  async step(): Promise<void> {
    const { store, trees, chain } = this.#deps;
    const claimable = (await store.list(LOOK_BACK)).find(({ state }) => state === 'claimable');
    const grown = claimable === undefined ? undefined : await trees.of(claimable.summary.epoch);
    if (claimable === undefined || grown === undefined) return;
    const payees = this.#page(await this.#unsettled(grown));
    if (payees.length === 0) return;
    const accounts = payees.map(({ account }) => account);
    await this.#book(payees, await chain.paidOf(accounts, 'settled'));
    if (this.#options.pushFrom === null || !(await this.#isFree())) return;
    await this.#pushDue(claimable.summary.epoch, grown, payees, await chain.paidOf(accounts, 'newest'), this.#options.pushFrom);
  }

  /** Payees of the epoch that the ledger has not settled in full, in the order of its leaves. */
  async #unsettled({ entries }: GrownTree): Promise<Payee[]> {
    const { ledger, payouts } = this.#deps;
    const holders = new Map<string, Share[]>();
    for (const share of await payouts.shares(await ledger.earned(), (...of) => ledger.before(...of))) holders.set(share.account, [...(holders.get(share.account) ?? []), share]);
    return entries.flatMap(({ account, cumulative }, index) => {
      const payee = { account, index, cumulative: BigInt(cumulative), holders: holders.get(account) ?? [] };
      return payee.holders.length > 0 && payee.cumulative > this.#settledTokens(payee) ? [payee] : [];
    });
  }

  #settledTokens({ holders }: Payee): bigint {
    return holders.reduce((sum, { settled }) => sum + tokensOf(settled, this.#options.rate), 0n);
  }

  #page(payees: readonly Payee[]): readonly Payee[] {
    if (this.#cursor >= payees.length) this.#cursor = 0;
    const page = payees.slice(this.#cursor, this.#cursor + PAGE_ACCOUNTS);
    // Whoever is settled leaves the list, so the cursor passes only by those who stay on it.
    this.#cursor += page.length === PAGE_ACCOUNTS ? page.length : payees.length;
    return page;
  }

  /** One payee that ledger and chain do not agree on keeps nobody else from being booked; it is thrown at the end. */
  async #book(payees: readonly Payee[], paid: readonly bigint[]): Promise<void> {
    const { ledger, onEvent } = this.#deps;
    let wrong: LedgerError | undefined;
    for (const [index, payee] of payees.entries()) {
      for (const { worker, linked, amount } of this.#divided(payee, paid[index] ?? 0n)) {
        const { account } = payee;
        try {
          const credits = await ledger.settled(worker, { account, paid: amount, credits: creditsFor(amount, this.#options.rate), linked });
          if (credits > 0n) onEvent({ type: 'settled', worker, account, credits });
        } catch (error) {
          if (!(error instanceof LedgerError)) throw error;
          wrong ??= error;
        }
      }
    }
    if (wrong !== undefined) throw wrong;
  }

  /**
   * What the contract has paid an account in all, by the workers whose account it is: what is new goes to one after the other, up to what each is
   * owed there. More than all are owed stays with the last, whose booking refuses it.
   */
  #divided(payee: Payee, paid: bigint): { readonly worker: Share['worker']; readonly linked: boolean; readonly amount: bigint }[] {
    const { rate } = this.#options;
    const { holders } = payee;
    let left = paid - this.#settledTokens(payee);
    return holders.flatMap(({ worker, linked, credits, settled }, index) => {
      const [has, owed] = [tokensOf(settled, rate), tokensOf(credits, rate) - tokensOf(settled, rate)];
      const part = index === holders.length - 1 || left < owed ? left : owed;
      left -= part;
      return has + part === 0n ? [] : [{ worker, linked, amount: has + part }];
    });
  }

  /** True when no push is on its way. A push that the contract refused is thrown once, and tried again with the next look. */
  async #isFree(): Promise<boolean> {
    if (this.#push === undefined) return true;
    const { transaction, at } = this.#push;
    const receipt = await this.#deps.chain.receipt(transaction);
    const old = this.#deps.now() - at >= RESEND_AFTER_MS;
    if ((receipt.state === 'waiting' || receipt.state === 'unknown') && !old) return false;
    this.#push = undefined;
    if (receipt.state !== 'reverted') return true;
    throw new SettlementServiceError('reverted', `the contract refused the claims of transaction ${transaction}: ${receipt.reason}`, { fault: 'platform', fields: { transaction, reason: receipt.reason } });
  }

  /** A first payment is left to its payee's own claim for a while; for a linked account no tab claims. */
  #isLeft({ account, holders }: Payee, paid: bigint): boolean {
    if (holders.every(({ linked }) => linked)) return false;
    if (paid > 0n) this.#firstOwed.delete(account);
    if (paid > 0n) return false;
    const now = this.#deps.now();
    const since = this.#firstOwed.get(account) ?? now;
    this.#firstOwed.set(account, since);
    return now - since < (this.#options.ownClaimMs ?? OWN_CLAIM_WAIT_MS);
  }

  async #pushDue(epoch: number, { entries, tree }: GrownTree, payees: readonly Payee[], paid: readonly bigint[], from: bigint): Promise<void> {
    const owed = new Map(payees.map(({ index, cumulative }, at) => [index, cumulative - (paid[at] ?? 0n)]));
    const left = new Set(payees.flatMap((payee, at) => (this.#isLeft(payee, paid[at] ?? 0n) ? [payee.index] : [])));
    const due = entries.map((_, index) => (owed.get(index) ?? 0n) >= from && !left.has(index));
    const groups: ClaimGroup[] = [];
    let leaves = 0;
    for (const { first, size } of planGroups(due, MAX_GROUP, entries.map((_, index) => left.has(index)))) {
      if (leaves + size > MAX_LEAVES) break;
      leaves += size;
      const items = Array.from({ length: size }, (_, at) => entries[first + at]).map((entry) => (entry === undefined ? PADDING : { account: entry.account, cumulative: BigInt(entry.cumulative) }));
      groups.push({ epoch, first, items, proof: groupProof(tree, first, Math.log2(size)) });
    }
    if (groups.length === 0) return;
    const transaction = await this.#deps.chain.claimGroups(groups);
    this.#push = { transaction, at: this.#deps.now() };
    const pushed = groups.flatMap(({ first, items }) => items.flatMap((_, at) => owed.get(first + at) ?? []));
    this.#deps.onEvent({ type: 'pushed', epoch, transaction, accounts: pushed.length, amount: pushed.reduce((sum, amount) => sum + amount, 0n) });
  }
}

const PADDING = { account: '0x0', cumulative: 0n };
