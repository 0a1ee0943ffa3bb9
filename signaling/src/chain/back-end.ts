import type { TypedData } from 'starknet';
import type { Execution } from './bindings.ts';
import type { Felt } from './felt.ts';
import type { Reservation } from './quotas.ts';
import type { Tracked } from './tracking.ts';
import type { AccountDeployment, BuildRequest } from './wire.ts';

/** Fees as SNIP-29 shows them, in fri as 0x hex. In sponsored mode the client pays none of it. */
export interface FeeQuote {
  readonly gas_token_price_in_strk: Felt;
  readonly estimated_fee_in_strk: Felt;
  readonly estimated_fee_in_gas_token: Felt;
  readonly suggested_max_fee_in_strk: Felt;
  readonly suggested_max_fee_in_gas_token: Felt;
}

/** What a client is to sign. */
export interface Draft {
  /** Undefined for a deployment alone, in which nothing is signed. `after`, `before`: time bounds in chain seconds; `lastsS`: seconds from here to `before`. */
  readonly signing: { readonly typedData: TypedData; readonly nonce: Felt; readonly after: number; readonly before: number; readonly lastsS: number } | undefined;
  readonly fee: FeeQuote;
  /** Handed back at execution. */
  readonly own: unknown;
}

/** An action that passed every check of the policy, its signature included. */
export interface Order {
  readonly account: Felt;
  readonly deployment: AccountDeployment | undefined;
  /** What was signed; undefined for a deployment alone. */
  readonly signed: { readonly execution: Execution; readonly typedData: unknown; readonly signature: readonly Felt[] } | undefined;
  /** Puts fri aside before anything is signed; throws when the quotas do not allow it. */
  readonly reserve: (fri: bigint) => Reservation;
}

export interface Sent {
  readonly transaction: Felt;
  readonly trackingId: Felt;
}

/** Port: who makes and pays for transactions. `LocalBackEnd` signs with accounts of its own, `UpstreamBackEnd` asks another paymaster. */
export interface BackEnd {
  /** What the typed data names as its caller. */
  readonly forwarder: Felt;
  /** Actions that wait, and transactions under way. */
  readonly queued: number;
  readonly busySenders: number;
  available(): Promise<boolean>;
  build(request: BuildRequest): Promise<Draft>;
  /** Resolves when a transaction was handed in. Rejects only when none was. */
  send(order: Order): Promise<Sent>;
  track(id: Felt): Promise<Tracked | undefined>;
  close(): Promise<void>;
}
