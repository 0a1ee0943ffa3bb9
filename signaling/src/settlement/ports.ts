import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochCorrection, EpochData } from '@ciro/core/settlement/epoch.ts';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { Earned, PaidOnChain, Statement } from '../ledger/payouts.ts';

/** A block as a chain names it. */
export interface ChainBlock {
  readonly number: number;
  /** 0x hex. */
  readonly hash: string;
}

/** Where a transaction stands. `waiting`: known, in no block yet; `unknown`: the chain has never heard of it, or a reorganisation took it away. */
export type Receipt = { readonly state: 'unknown' | 'waiting' } | { readonly state: 'in-block'; readonly block: ChainBlock } | { readonly state: 'reverted'; readonly block: ChainBlock; readonly reason: string };

/** An epoch as the settlement contract has it. `pending`: inside its challenge window; `held`: the court looks at it; `final`: claimable. */
export interface ChainEpoch {
  readonly root: string;
  readonly total: bigint;
  /** Unix seconds. */
  readonly claimableAt: number;
  readonly state: 'pending' | 'held' | 'final' | 'vetoed';
}

/** What is posted of an epoch. */
export type EpochSummary = Omit<EpochData, 'entries' | 'corrections'>;

/** A leaf of a group; account 0x0 is padding. */
export interface GroupItem {
  readonly account: string;
  readonly cumulative: bigint;
}

/** An aligned group of leaves with the proof of their common node (SPEC X3). */
export interface ClaimGroup {
  readonly epoch: number;
  readonly first: number;
  readonly items: readonly GroupItem[];
  /** Siblings, lowest first. */
  readonly proof: readonly bigint[];
}

/**
 * Port: one settlement contract on one chain. Everything may fail, time out or be asked again: posting the same epoch twice changes
 * nothing, and a claim that was paid pays nothing. Amounts in base units of the contract's token.
 */
export interface ChainPort {
  readonly chainId: string;
  readonly store: string;
  /** What tells this chain from another of the same id: its first block. */
  birth(): Promise<string>;
  /** Sends the epoch; gives the transaction's hash, without waiting for a block. */
  postEpoch(epoch: EpochSummary): Promise<string>;
  /** Sends one transaction that claims all of the groups. */
  claimGroups(groups: readonly ClaimGroup[]): Promise<string>;
  receipt(transaction: string): Promise<Receipt>;
  /** Undefined when the contract has no such epoch. */
  epochInfo(epoch: number): Promise<ChainEpoch | undefined>;
  /** What each account was paid in all: by the newest block, or by one that lies under enough others to stay (`settled`). */
  paidOf(accounts: readonly string[], at: 'newest' | 'settled'): Promise<readonly bigint[]>;
  /** What the contract holds, and what it has paid in all. */
  funds(): Promise<{ readonly balance: bigint; readonly paid: bigint }>;
}

/**
 * `closed`: stored, not known to be on the chain. `posted`: its transaction was sent. `confirmed`: the contract has it. `claimable`:
 * its challenge window is over. `vetoed`: never claimable.
 */
export type EpochState = 'closed' | 'posted' | 'confirmed' | 'claimable' | 'vetoed';

/** Where an epoch stands on the chain. */
export interface EpochStatus {
  readonly state: EpochState;
  /** Transaction that posted it; null before, and when it was found on the chain without one that we know. */
  readonly transaction: string | null;
  readonly block: ChainBlock | null;
  /** Epoch milliseconds. */
  readonly postedAt: number | null;
}

export interface StoredEpoch extends EpochStatus {
  readonly summary: EpochSummary;
  /** Epoch milliseconds. */
  readonly closedAt: number;
}

/** The contract and chain that the stored epochs are of (SPEC X10). */
export interface SettlementBook {
  readonly chainId: string;
  readonly store: string;
  readonly birth: string;
  /** Base units of credits that each worker had settled before that chain began: at its own account by its node, at a linked one by `NODE:ACCOUNT`. */
  readonly settledBefore: Readonly<Record<string, string>>;
}

/** Port: the durable outbox. Every call is stored whole, or not at all. */
export interface SettlementStore {
  book(): Promise<SettlementBook | undefined>;
  /** Keeps the book. In the place of another one it drops that one's epochs: their chain is gone. */
  openBook(book: SettlementBook): Promise<void>;
  /** Keeps an epoch as `closed` and takes its corrections off the list of those that wait. Refuses any number but the one after the last. */
  close(epoch: EpochData, at: number): Promise<void>;
  /** Moves an epoch on; its data never change. */
  mark(epoch: number, status: EpochStatus): Promise<void>;
  /** Newest first. */
  list(limit: number): Promise<readonly StoredEpoch[]>;
  find(epoch: number): Promise<StoredEpoch | undefined>;
  data(epoch: number): Promise<EpochData | undefined>;
  /** Payout addresses that were bound to workers before; a worker keeps the first. */
  payouts(nodes: readonly NodeId[]): Promise<ReadonlyMap<NodeId, string>>;
  bindPayouts(bound: ReadonlyMap<NodeId, string>): Promise<void>;
  /** Keeps a correction for the next epoch; once for its name. */
  addCorrection(correction: EpochCorrection): Promise<void>;
  waitingCorrections(): Promise<readonly EpochCorrection[]>;
}

/** Port: the ledger, as far as it is paid out. */
export interface EarningsPort {
  /** Makes payable what given credits earned, within the day's caps (SPEC M11). */
  promote(): Promise<bigint>;
  earned(): Promise<ReadonlyMap<NodeId, Earned>>;
  /** The same, and the entry of the ledger that it was read up to. */
  statement(): Promise<Statement>;
  settled(worker: NodeId, paid: PaidOnChain): Promise<bigint>;
  correct(name: string, worker: NodeId, amount: bigint): Promise<void>;
}

/** The ledger as one chain owes it (SPEC X10). */
export interface ChainEarnings extends EarningsPort {
  /** Base units of credits that were settled at a worker's own account, or at a linked one, before that chain began. */
  before(worker: NodeId, linked?: string): bigint;
}

/** Port: grows an epoch's tree, taking from the one before what did not change. */
export interface TreeGrower {
  grow(epoch: Pick<EpochData, 'chain_id' | 'store' | 'entries' | 'depth'>, before?: GrownTree): Promise<EpochTree>;
}

/** A tree and the entries that its leaves are of. */
export interface GrownTree {
  readonly entries: EpochData['entries'];
  readonly tree: EpochTree;
}

/** What happened, for logs and people. */
export type SettlementEvent =
  /** A local chain was started anew; epochs begin with 1 again. */
  | { readonly type: 'began-anew' }
  | { readonly type: 'closed'; readonly epoch: number; readonly count: number; readonly total: bigint }
  | { readonly type: 'posted' | 'confirmed'; readonly epoch: number; readonly transaction: string | null }
  | { readonly type: 'claimable' | 'vetoed'; readonly epoch: number }
  | { readonly type: 'reorganised'; readonly epoch: number; readonly transaction: string | null }
  | { readonly type: 'pushed'; readonly epoch: number; readonly transaction: string; readonly accounts: number; readonly amount: bigint }
  /** What workers did up to an epoch was sent to the pool; those seen lately were told to it. */
  | { readonly type: 'performance-posted'; readonly epoch: number; readonly transaction: string; readonly workers: number }
  | { readonly type: 'touched'; readonly transaction: string; readonly workers: number }
  | { readonly type: 'settled'; readonly worker: NodeId; readonly account: string; readonly credits: bigint };
