import * as v from 'valibot';
import { MAX_SIGNATURE_FELTS } from './chain-limits.ts';
import { FeltSchema, SecondsSchema } from './felt.ts';
import { refuse } from './relayer-error.ts';
import { INVALID_PARAMS, RpcShapeError } from './snip-error.ts';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';

/** More felts than any policy lets pass; what is longer is cut off here before it is copied. */
const MANY_FELTS = 2_048;
const Felts = v.pipe(v.array(FeltSchema), v.maxLength(MANY_FELTS));

const Call = v.object({ to: FeltSchema, selector: FeltSchema, calldata: Felts });
const Deployment = v.object({ address: FeltSchema, class_hash: FeltSchema, salt: FeltSchema, calldata: Felts, sigdata: v.optional(Felts), version: v.union([v.literal(1), v.literal('0x1')]) });
const Parameters = v.object({
  version: v.literal('0x1'),
  fee_mode: v.object({ mode: v.string() }),
  time_bounds: v.nullish(v.object({ execute_after: v.optional(SecondsSchema, 1), execute_before: SecondsSchema })),
});

const Invoke = v.object({ user_address: FeltSchema, calls: v.pipe(v.array(Call), v.minLength(1), v.maxLength(64)) });
const Build = v.object({
  transaction: v.variant('type', [
    v.object({ type: v.literal('deploy'), deployment: Deployment }),
    v.object({ type: v.literal('invoke'), invoke: Invoke }),
    v.object({ type: v.literal('deploy_and_invoke'), deployment: Deployment, invoke: Invoke }),
  ]),
  parameters: Parameters,
});

const Domain = v.object({ chainId: v.union([v.string(), v.number()]) });
/** SNIP-12 revision 1 as starknet.js gives it back. What else it holds is compared by hash with what was built. */
const OutsideTypedData = v.looseObject({
  types: v.record(v.string(), v.array(v.object({ name: v.string(), type: v.string() }))),
  primaryType: v.string(),
  domain: v.looseObject(Domain.entries),
  message: v.looseObject({ Nonce: FeltSchema }),
});
const Signed = v.object({ user_address: FeltSchema, typed_data: OutsideTypedData, signature: v.pipe(v.array(FeltSchema), v.minLength(1), v.maxLength(MAX_SIGNATURE_FELTS)) });
const Execute = v.object({
  transaction: v.variant('type', [
    v.object({ type: v.literal('deploy'), deployment: Deployment }),
    v.object({ type: v.literal('invoke'), invoke: Signed }),
    v.object({ type: v.literal('deploy_and_invoke'), deployment: Deployment, invoke: Signed }),
  ]),
  parameters: Parameters,
});
const Track = v.union([v.object({ tracking_id: FeltSchema }), v.pipe(v.tuple([FeltSchema]), v.transform(([tracking_id]) => ({ tracking_id })))]);

export interface AccountDeployment {
  readonly address: Felt;
  readonly classHash: Felt;
  readonly salt: Felt;
  readonly calldata: readonly Felt[];
}

export type ActionType = 'deploy' | 'invoke' | 'deploy_and_invoke';

/** What a client wants built. `calls` is empty with `deploy` alone, `deployment` undefined with `invoke`. */
export interface BuildRequest {
  readonly type: ActionType;
  readonly account: Felt;
  readonly calls: readonly ChainCall[];
  readonly deployment: AccountDeployment | undefined;
  readonly bounds: { readonly after: number; readonly before: number } | undefined;
}

/** What comes back signed; nothing is signed in a `deploy`. `typedData` is as untrusted as the rest: only its hash counts. */
export interface ExecuteRequest {
  readonly type: ActionType;
  readonly account: Felt;
  readonly deployment: AccountDeployment | undefined;
  readonly signed: { readonly nonce: Felt; readonly chainId: string | number; readonly typedData: v.InferOutput<typeof OutsideTypedData>; readonly signature: readonly Felt[] } | undefined;
}

export function parseBuild(params: unknown): BuildRequest {
  const { transaction, parameters } = parse(Build, params, 'paymaster_buildTransaction');
  refuseTokens(parameters.fee_mode.mode);
  const bounds = parameters.time_bounds == null ? undefined : { after: parameters.time_bounds.execute_after, before: parameters.time_bounds.execute_before };
  const deployment = transaction.type === 'invoke' ? undefined : deploymentOf(transaction.deployment);
  if (transaction.type === 'deploy') return { type: 'deploy', account: transaction.deployment.address, calls: [], deployment, bounds };
  return { type: transaction.type, account: transaction.invoke.user_address, calls: transaction.invoke.calls, deployment, bounds };
}

export function parseExecute(params: unknown): ExecuteRequest {
  const { transaction, parameters } = parse(Execute, params, 'paymaster_executeTransaction');
  refuseTokens(parameters.fee_mode.mode);
  const deployment = transaction.type === 'invoke' ? undefined : deploymentOf(transaction.deployment);
  if (transaction.type === 'deploy') return { type: 'deploy', account: transaction.deployment.address, deployment, signed: undefined };
  const { user_address, typed_data, signature } = transaction.invoke;
  return { type: transaction.type, account: user_address, deployment, signed: { nonce: typed_data.message.Nonce, chainId: typed_data.domain.chainId, typedData: typed_data, signature } };
}

/** The tracking id of `paymaster_trackingIdToLatestHash`, given by name or by position. */
export const parseTrackingId = (params: unknown): Felt => parse(Track, params, 'paymaster_trackingIdToLatestHash').tracking_id;

function parse<const Schema extends v.GenericSchema>(schema: Schema, params: unknown, method: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, params);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new RpcShapeError(INVALID_PARAMS, 'Invalid params', `${method}: ${v.getDotPath(issue) ?? 'params'}: ${issue.message}`.slice(0, 300));
}

function refuseTokens(mode: string): void {
  if (mode === 'sponsored') return;
  throw refuse('token-not-supported', 'this paymaster takes no gas token: it pays for what its policy lists; send fee_mode {"mode": "sponsored"}');
}

function deploymentOf({ address, class_hash, salt, calldata, sigdata }: v.InferOutput<typeof Deployment>): AccountDeployment {
  if (sigdata !== undefined && sigdata.length > 0) throw refuse('invalid-deployment-data', 'sigdata is for accounts with a factory of their own, which are not deployed here; leave it out');
  return { address, classHash: class_hash, salt, calldata };
}
