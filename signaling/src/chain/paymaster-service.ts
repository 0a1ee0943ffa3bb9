import { Bindings } from './bindings.ts';
import { refuse } from './relayer-error.ts';
import { checkCalls, checkDeployment } from './policy-check.ts';
import { typedDataHash } from './starknet-hashes.ts';
import { parseBuild, parseExecute, parseTrackingId } from './wire.ts';
import type { TypedData } from 'starknet';
import type { AccountChecks } from './account-checks.ts';
import type { BackEnd, FeeQuote } from './back-end.ts';
import type { Execution } from './bindings.ts';
import type { Felt } from './felt.ts';
import type { Metrics } from './metrics.ts';
import type { Credentials, Newcomers } from './newcomers.ts';
import type { Policy } from './policy.ts';
import type { Quotas } from './quotas.ts';
import type { Tracked } from './tracking.ts';
import type { AccountDeployment, BuildRequest, ExecuteRequest } from './wire.ts';

/** Who asks: the address block of the client, and what it shows for an account that is not deployed. */
export interface Caller extends Credentials {
  readonly client: string;
}

export interface BuildAnswer {
  readonly type: BuildRequest['type'];
  readonly typed_data?: TypedData;
  readonly deployment?: WireDeployment;
  readonly parameters: { readonly version: '0x1'; readonly fee_mode: { readonly mode: 'sponsored' }; readonly time_bounds?: { readonly execute_after: number; readonly execute_before: number } };
  readonly fee: FeeQuote;
}
interface WireDeployment {
  readonly address: Felt;
  readonly class_hash: Felt;
  readonly salt: Felt;
  readonly calldata: readonly Felt[];
  readonly version: 1;
}

export interface PaymasterServiceOptions {
  readonly chainId: Felt;
  readonly policy: Policy;
  readonly quotas: Quotas;
  readonly newcomers: Newcomers;
  readonly accounts: AccountChecks;
  readonly backEnd: BackEnd;
  readonly metrics: Metrics;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The methods of SNIP-29 behind the policy; what is cheap to check is checked first, and a back end sees only what passed all of it. */
export class PaymasterService {
  readonly #options: PaymasterServiceOptions;
  readonly #bindings: Bindings;

  constructor(options: PaymasterServiceOptions) {
    this.#options = options;
    this.#bindings = new Bindings(options);
  }

  async isAvailable(): Promise<boolean> {
    return this.#options.backEnd.available();
  }

  async build(params: unknown, caller: Caller): Promise<BuildAnswer> {
    return this.#options.metrics.count('builds', () => this.#build(parseBuild(params), caller));
  }

  async execute(params: unknown, caller: Caller): Promise<{ readonly tracking_id: Felt; readonly transaction_hash: Felt }> {
    return this.#options.metrics.count('executions', () => this.#execute(parseExecute(params), caller));
  }

  /** Throws `invalid-id` for an id that was not given out here, or so long ago that it is forgotten. */
  async track(params: unknown): Promise<Tracked> {
    const id = parseTrackingId(params);
    const tracked = await this.#options.backEnd.track(id);
    if (tracked === undefined) throw refuse('invalid-id', `tracking id ${id} is not known here; look the transaction hash up at a node`);
    return tracked;
  }

  async #build(request: BuildRequest, caller: Caller): Promise<BuildAnswer> {
    const { policy, quotas, newcomers, accounts, backEnd, now } = this.#options;
    const { type, account, calls, deployment, bounds } = request;
    checkCalls(policy, calls);
    this.#checkDeployment(account, deployment);
    quotas.takeBuild(caller.client);
    quotas.check(account);
    if (deployment !== undefined) newcomers.check(caller, account);
    await accounts.check(account, deployment !== undefined);
    const { signing, fee, own } = await backEnd.build(request);
    if (signing !== undefined) {
      const { typedData, nonce, after, before, lastsS } = signing;
      const expires = now() + lastsS * 1000;
      this.#bindings.add({ type, account, calls, deployment, nonce, hash: typedDataHash(typedData, account), characters: JSON.stringify(typedData).length, after, before, client: caller.client, expires, own });
    }
    return {
      type,
      ...(signing === undefined ? {} : { typed_data: signing.typedData }),
      ...(deployment === undefined ? {} : { deployment: toWire(deployment) }),
      parameters: { version: '0x1', fee_mode: { mode: 'sponsored' }, ...(bounds === undefined ? {} : { time_bounds: { execute_after: bounds.after, execute_before: bounds.before } }) },
      fee,
    };
  }

  async #execute(request: ExecuteRequest, caller: Caller): Promise<{ readonly tracking_id: Felt; readonly transaction_hash: Felt }> {
    const { policy, quotas, newcomers, accounts, backEnd } = this.#options;
    const { account, deployment, signed } = request;
    const publicKey = this.#checkDeployment(account, deployment);
    quotas.takeAction(caller.client);
    quotas.check(account);
    const execution = signed === undefined ? undefined : this.#begin(request, signed);
    let giveBack: (() => void) | undefined;
    try {
      // The policy may have changed since it was built.
      if (execution !== undefined) checkCalls(policy, execution.built.calls);
      const admission = deployment === undefined ? undefined : newcomers.check(caller, account);
      await accounts.check(account, deployment !== undefined);
      if (execution !== undefined && signed !== undefined) await accounts.checkSignature(account, execution.built.hash, signed.signature, publicKey);
      giveBack = admission?.use();
      const { transaction, trackingId } = await backEnd.send({
        account,
        deployment,
        signed: execution === undefined || signed === undefined ? undefined : { execution, typedData: signed.typedData, signature: signed.signature },
        reserve: (fri) => quotas.reserve(account, fri),
      });
      execution?.executed(transaction);
      return { tracking_id: trackingId, transaction_hash: transaction };
    } catch (error) {
      giveBack?.();
      execution?.failed();
      throw error;
    }
  }

  /** Ties what came back to what was built; nothing of the typed data is used but its hash and nonce. */
  #begin({ type, account, deployment }: ExecuteRequest, signed: NonNullable<ExecuteRequest['signed']>): Execution {
    const { chainId } = this.#options;
    if (!sameChain(signed.chainId, chainId)) throw refuse('wrong-chain', `the typed data is for chain ${String(signed.chainId).slice(0, 80)}, and this paymaster serves ${chainId}; use the paymaster of that chain`);
    const execution = this.#bindings.begin(signed.nonce, account, { characters: JSON.stringify(signed.typedData).length, hash: () => hashOf(signed.typedData, account) });
    const { built } = execution;
    const sameDeployment = JSON.stringify(deployment) === JSON.stringify(built.deployment);
    if (type === built.type && sameDeployment) return execution;
    execution.failed();
    throw refuse('payload-swapped', `a ${built.type} was built with this nonce, and a ${type}${sameDeployment ? '' : ' with another deployment'} was sent; send what buildTransaction gave, unchanged`);
  }

  #checkDeployment(account: Felt, deployment: AccountDeployment | undefined): Felt | undefined {
    if (deployment === undefined) return undefined;
    const publicKey = checkDeployment(this.#options.policy, deployment);
    if (deployment.address !== account) throw refuse('invalid-address', `the action is of account ${account} and the deployment of ${deployment.address}; an action comes from the account that is deployed`);
    return publicKey;
  }
}

/** Typed data from outside; `0x0` is no hash that was built, so what cannot be hashed is refused as not built. */
function hashOf(data: NonNullable<ExecuteRequest['signed']>['typedData'], account: Felt): Felt {
  try {
    return typedDataHash(data as unknown as TypedData, account);
  } catch {
    return '0x0';
  }
}

/** Chain ids come as 0x hex, as a number or as the short string itself ("SN_SEPOLIA"). */
function sameChain(told: string | number, chainId: Felt): boolean {
  const text = String(told);
  if (/^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(text)) return BigInt(text) === BigInt(chainId);
  return text.length > 0 && text.length <= 31 && `0x${Buffer.from(text, 'latin1').toString('hex')}` === chainId;
}

const toWire = ({ address, classHash, salt, calldata }: AccountDeployment): WireDeployment => ({ address, class_hash: classHash, salt, calldata, version: 1 });
