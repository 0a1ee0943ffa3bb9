import * as v from 'valibot';

/** The field's prime: a felt lies below it. */
const PRIME = 2n ** 251n + 17n * 2n ** 192n + 1n;

/** A field element above zero as 0x hex of either case; minimal lower-case hex afterwards, so that one address has one text. */
const Felt = v.pipe(
  v.string(),
  v.regex(/^0x[0-9a-fA-F]{1,64}$/, 'expected a field element in 0x hex'),
  v.transform((text) => BigInt(text)),
  v.check((value) => value > 0n && value < PRIME, 'expected a field element above zero and below the prime'),
  v.transform((value): `0x${string}` => `0x${value.toString(16)}`),
);

const Rpc = v.pipe(v.string(), v.maxLength(400), v.regex(/^https?:\/\//, 'expected an http or https address'), v.url());

const contracts = {
  /** `devnet`, `sepolia`, `mainnet` or the operator's own name. */
  network: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)),
  /** Short string as a field element, e.g. 0x534e5f5345504f4c4941. */
  chainId: Felt,
  /** CiroToken: what workers are paid in. */
  token: Felt,
  /** CommitmentStore: settlement. */
  store: Felt,
  /** CdcPool. */
  pool: Felt,
  jobManager: Felt,
  /** DisputeCourt. */
  court: Felt,
  /** Paymaster contract: the only caller that a sponsored action may name (SPEC Y4). */
  forwarder: Felt,
  /** Class of the account that an identity key owns (SPEC X6). */
  accountClass: Felt,
  /** Token that stakes and bonds are in. */
  stakeToken: Felt,
};

/** A chain, its contracts, and a node's JSON-RPC. */
export const ChainDoor = v.object({ ...contracts, rpc: Rpc });
export type ChainDoor = v.InferOutput<typeof ChainDoor>;

/**
 * What a client needs to know to act on the chain through a coordinator, and no secret (SPEC Y6): `GET /v1/chain`. The paymaster is always at `/paymaster` of the same
 * coordinator, which passes reads on to its own node. `rpc`: a node that anybody may use, for who trusts it more; absent where the operator names none.
 */
export const PublicDoor = v.object({ ...contracts, rpc: v.optional(Rpc) });
export type PublicDoor = v.InferOutput<typeof PublicDoor>;
