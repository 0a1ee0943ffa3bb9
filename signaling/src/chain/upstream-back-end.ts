import * as v from 'valibot';
import { MAX_VALIDITY_S } from './chain-limits.ts';
import { FeltSchema, SecondsSchema, toFelt } from './felt.ts';
import { RelayerError, refuse } from './relayer-error.ts';
import { outsideTypedData, typedDataHash } from './starknet-hashes.ts';
import { timeBounds } from './time-bounds.ts';
import { Tracking } from './tracking.ts';
import { UpstreamBuilt, UpstreamSent, UpstreamTracked } from './upstream-rpc.ts';
import type { TypedData } from 'starknet';
import type { Clock } from '../sessions/clock.ts';
import type { BackEnd, Draft, Order, Sent } from './back-end.ts';
import type { Chain } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import type { Tracked } from './tracking.ts';
import type { UpstreamRpc } from './upstream-rpc.ts';
import type { AccountDeployment, ActionType, BuildRequest } from './wire.ts';

const SPONSORED = { mode: 'sponsored' } as const;
const Message = v.object({ Caller: FeltSchema, Nonce: FeltSchema, 'Execute After': SecondsSchema, 'Execute Before': SecondsSchema });
const OutsideData = v.looseObject({ message: Message });
/** Hash of no typed data. */
const NO_HASH = '0x0';

export interface UpstreamBackEndOptions {
  readonly rpc: UpstreamRpc;
  /** The forwarder of that service on this chain. */
  readonly forwarder: Felt;
  readonly chain: Pick<Chain, 'chainId' | 'timestamp'>;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** What upstream was shown at build, and what it said that it costs. */
interface Own {
  readonly estimate: bigint;
  readonly bounds: { readonly execute_after: number; readonly execute_before: number };
}

/** Sponsors through another SNIP-29 paymaster (AVNU's or one like it), whose key stays here. What it builds is compared with what was asked for before anybody signs it. */
export class UpstreamBackEnd implements BackEnd {
  readonly forwarder: Felt;
  readonly queued = 0;
  readonly busySenders = 0;
  readonly #options: UpstreamBackEndOptions;
  readonly #tracking = new Tracking();

  constructor(options: UpstreamBackEndOptions) {
    this.#options = options;
    this.forwarder = options.forwarder;
  }

  async available(): Promise<boolean> {
    return this.#options.rpc.call('paymaster_isAvailable', [], v.boolean()).catch(() => false);
  }

  async build(request: BuildRequest): Promise<Draft> {
    const { rpc, chain, clock, policy } = this.#options;
    const time = timeBounds(request.bounds, await chain.timestamp(), Math.floor(clock.now() / 1000), policy.validitySeconds);
    const bounds = { execute_after: time.after, execute_before: time.before };
    const built = await rpc.call('paymaster_buildTransaction', { transaction: toUpstream(request), parameters: { version: '0x1', fee_mode: SPONSORED, time_bounds: bounds } }, UpstreamBuilt);
    if (built.type !== request.type) throw lied(`a ${built.type} was built for a ${request.type}`);
    const own: Own = { estimate: BigInt(built.fee.estimated_fee_in_strk), bounds };
    this.#checkPrice(BigInt(built.fee.suggested_max_fee_in_strk));
    if (request.type === 'deploy') return { signing: undefined, fee: built.fee, own };
    return { signing: { ...this.#checkTypedData(request, built.typed_data, time.before), lastsS: time.lastsS }, fee: built.fee, own };
  }

  async send({ account, deployment, signed, reserve }: Order): Promise<Sent> {
    const { rpc, metrics, policy } = this.#options;
    const own = signed?.execution.built.own as Own | undefined;
    // What a deployment alone costs is not known before: the most that the policy allows is put aside for it.
    const estimate = own?.estimate ?? policy.maxStrkPerAction;
    const reservation = reserve(estimate);
    try {
      const transaction = {
        type: typeOf(deployment, signed),
        ...(deployment === undefined ? {} : { deployment: deploymentOf(deployment) }),
        ...(signed === undefined ? {} : { invoke: { user_address: account, typed_data: signed.typedData, signature: signed.signature } }),
      };
      const { tracking_id, transaction_hash } = await rpc.call('paymaster_executeTransaction', { transaction, parameters: { version: '0x1', fee_mode: SPONSORED, ...(own === undefined ? {} : { time_bounds: own.bounds }) } }, UpstreamSent);
      reservation.settle(estimate);
      metrics.sent++;
      metrics.feesFri += estimate;
      // AVNU gives the tracking id 0 to everybody; the hash is the better name then.
      const trackingId = BigInt(tracking_id) === 0n ? transaction_hash : tracking_id;
      this.#tracking.set(trackingId, transaction_hash, 'active');
      return { transaction: transaction_hash, trackingId };
    } catch (error) {
      // Without an answer it may have been sent, so it counts as spent. The same payload may come again: its account takes a nonce once.
      if (error instanceof RelayerError && (error.code === 'upstream-unavailable' || error.code === 'upstream-lied')) reservation.settle(estimate);
      else reservation.release();
      throw error;
    }
  }

  async track(id: Felt): Promise<Tracked | undefined> {
    const known = this.#tracking.get(id);
    if (known === undefined || known.transaction_hash === id) return known;
    return this.#options.rpc.call('paymaster_trackingIdToLatestHash', { tracking_id: id }, UpstreamTracked).catch(() => known);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #checkPrice(maxFri: bigint): void {
    const limit = this.#options.policy.maxStrkPerAction;
    if (maxFri > limit) throw refuse('gas-spike', `the upstream paymaster asks up to ${maxFri} fri for this, and the policy allows ${limit}; nothing was signed: try again when gas is cheaper`, { maxFri: String(maxFri), limit: String(limit) });
  }

  /** The typed data has to be, felt for felt, what we would have made with its nonce and bounds. */
  #checkTypedData({ account, calls }: BuildRequest, data: unknown, before: number): Omit<NonNullable<Draft['signing']>, 'lastsS'> {
    const parsed = v.safeParse(OutsideData, data);
    if (!parsed.success) throw lied('its typed data is no SNIP-9 version 2 execution');
    const { Caller: caller, Nonce: nonce, 'Execute After': after, 'Execute Before': until } = parsed.output.message;
    if (caller !== this.forwarder) throw lied(`its typed data lets ${caller} execute, not the forwarder ${this.forwarder}`);
    if (until > before || until - after > 2 * MAX_VALIDITY_S) throw lied(`its typed data is good until ${until}, and ${before} was asked for`);
    const expected = outsideTypedData(this.#options.chain.chainId, { caller, nonce, after, before: until, calls });
    if (hashOf(data as TypedData, account) !== typedDataHash(expected, account)) throw lied('its typed data is not the calls that were asked for on this chain');
    return { typedData: expected, nonce, after, before: until };
  }
}

function hashOf(data: TypedData, account: Felt): Felt {
  try {
    return typedDataHash(data, account);
  } catch {
    return NO_HASH;
  }
}

const lied = (what: string): RelayerError => new RelayerError('upstream-lied', `the upstream paymaster cannot be used: ${what}; nothing was signed: tell the operator`, { fault: 'peer' });

const typeOf = (deployment: AccountDeployment | undefined, signed: Order['signed']): ActionType => (deployment === undefined ? 'invoke' : signed === undefined ? 'deploy' : 'deploy_and_invoke');

const deploymentOf = ({ address, classHash, salt, calldata }: AccountDeployment) => ({ address, class_hash: classHash, salt, calldata, version: 1 });

const toUpstream = ({ type, account, calls, deployment }: BuildRequest) => ({
  type,
  ...(deployment === undefined ? {} : { deployment: deploymentOf(deployment) }),
  ...(calls.length === 0 ? {} : { invoke: { user_address: toFelt(BigInt(account)), calls } }),
});
