import type { NodeId } from '@ciro/core/ids.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';

/** Where a worker is paid since a change (SPEC Y10). */
export interface PayoutLink {
  /** Account of all that is not kept for another one. */
  readonly account: string;
  /** Epoch milliseconds at which it took the place of the one before. */
  readonly since: number;
  /** Base units of credits that stay with accounts of before, paid there or not. */
  readonly kept: ReadonlyMap<string, bigint>;
}

/** A change with what vouches for it: signatures of the identity (128 hex digits) and of the account (field elements), as far as they were needed. */
export interface SignedChange {
  readonly change: PayoutChange;
  readonly identitySignature: string | null;
  readonly walletSignature: readonly string[] | null;
}

/** `waiting` for its delay; `applied`; `dropped`: called off, or another one came. */
export interface ChangeRecord extends SignedChange {
  readonly askedAt: number;
  /** Epoch milliseconds from which on an epoch applies it. */
  readonly from: number;
  readonly state: 'waiting' | 'applied' | 'dropped';
}

/** Port: changes of payout accounts. Every call is stored whole, or not at all. */
export interface PayoutLinkStore {
  /** Every worker that ever changed its account. */
  links(): Promise<ReadonlyMap<NodeId, PayoutLink>>;
  /** The newest change of a worker. */
  newest(worker: NodeId): Promise<ChangeRecord | undefined>;
  /** Keeps a change, in the place of one that waits. False, and nothing kept, unless its nonce is the next. */
  ask(worker: NodeId, change: ChangeRecord): Promise<boolean>;
  /** Those that wait and whose time has come. */
  due(now: number): Promise<ReadonlyMap<NodeId, ChangeRecord>>;
  /** Moves a worker to the account of that change; false, and nothing moved, when it does not wait any more. */
  apply(worker: NodeId, nonce: number, link: PayoutLink): Promise<boolean>;
}

/** Port: what an account on the chain says of a signature over a hash. `absent`: nothing is deployed there; `foreign`: what is there answers no such question. Rejects when the node does not answer. */
export interface AccountSignatures {
  check(account: string, hash: bigint, signature: readonly string[]): Promise<'valid' | 'invalid' | 'absent' | 'foreign'>;
}
