import { randomBytes } from 'node:crypto';
import { affordable } from './bounds.ts';
import { Dispatcher } from './dispatcher.ts';
import { toFelt } from './felt.ts';
import { refuse } from './relayer-error.ts';
import { DEPLOY_AND_EXECUTE_SPONSORED, EXECUTE_FROM_OUTSIDE_V2, EXECUTE_SPONSORED_V2, deployCall, outsideCalldata, outsideTypedData } from './starknet-hashes.ts';
import { timeBounds } from './time-bounds.ts';
import { Tracking } from './tracking.ts';
import type { Clock } from '../sessions/clock.ts';
import type { BackEnd, Draft, FeeQuote, Order, Sent } from './back-end.ts';
import type { Chain, ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import type { Senders } from './senders.ts';
import type { Tracked } from './tracking.ts';
import type { BuildRequest } from './wire.ts';

/** Who signs pays nothing, whatever the transaction costs. */
const NO_FEE: FeeQuote = { gas_token_price_in_strk: '0x1', estimated_fee_in_strk: '0x0', estimated_fee_in_gas_token: '0x0', suggested_max_fee_in_strk: '0x0', suggested_max_fee_in_gas_token: '0x0' };

export interface LocalBackEndOptions {
  readonly chain: Chain;
  /** The Paymaster contract, which checks each call again. Undefined: the sender calls accounts itself, and this policy is the only guard; there has to be one sender. */
  readonly forwarder: Felt | undefined;
  readonly senders: Senders;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly onCharge: (fri: bigint) => void;
}

/** Sponsors with accounts of its own, through the Paymaster contract. */
export class LocalBackEnd implements BackEnd {
  readonly forwarder: Felt;
  readonly #options: LocalBackEndOptions;
  readonly #dispatcher: Dispatcher;
  readonly #tracking = new Tracking();

  constructor(options: LocalBackEndOptions) {
    this.#options = options;
    const [sender, ...others] = options.senders.all;
    if (sender === undefined) throw refuse('bad-options', 'the relayer has no account to send from; give it one with STRK and its key');
    if (options.forwarder === undefined && others.length > 0) throw refuse('bad-options', `${others.length + 1} senders without a Paymaster contract: what an account signs names its one caller; give its address as forwarder, or one sender`);
    this.forwarder = options.forwarder ?? sender.address;
    this.#dispatcher = new Dispatcher({ ...options, maxFriPerAction: options.policy.maxStrkPerAction });
  }

  get queued(): number {
    return this.#dispatcher.queued;
  }

  get busySenders(): number {
    return this.#options.senders.busy;
  }

  async available(): Promise<boolean> {
    return !this.#options.senders.broke && (await this.#options.chain.timestamp().then(() => true, () => false));
  }

  async build({ type, calls, bounds }: BuildRequest): Promise<Draft> {
    if (type === 'deploy') return { signing: undefined, fee: NO_FEE, own: undefined };
    const { chain, clock, policy } = this.#options;
    const time = timeBounds(bounds, await chain.timestamp(), Math.floor(clock.now() / 1000), policy.validitySeconds);
    const nonce = randomFelt();
    return { signing: { typedData: outsideTypedData(chain.chainId, { caller: this.forwarder, nonce, ...time, calls }), nonce, ...time }, fee: NO_FEE, own: undefined };
  }

  async send(order: Order): Promise<Sent> {
    const { chain, senders, policy, clock } = this.#options;
    const [sender] = senders.all;
    if (sender === undefined || senders.broke) throw refuse('no-sender', "the relayer's accounts have too little STRK; the operator was told: execute the same payload again later");
    const trackingId = randomFelt();
    const calls = this.#callsOf(order, trackingId);
    const estimate = await chain.simulate(sender.address, calls);
    const { maxFri } = affordable(estimate, 1, policy.maxStrkPerAction);
    const reservation = order.reserve(maxFri);
    return new Promise((resolve, reject) => {
      let last: Felt | undefined;
      const action = {
        calls,
        estimate,
        simulatedAt: clock.now(),
        sent: (transaction: Felt) => {
          last = transaction;
          this.#tracking.set(trackingId, transaction, 'active');
          resolve({ transaction, trackingId });
        },
        settled: ({ transaction, fri }: { transaction: Felt; fri: bigint }) => {
          this.#tracking.set(trackingId, transaction, 'accepted');
          reservation.settle(fri);
        },
        failed: (error: Error) => {
          if (last === undefined) {
            reservation.release();
            reject(error);
          } else {
            void this.#lastLook(trackingId, last).then((fri) => reservation.settle(fri));
          }
        },
      };
      try {
        this.#dispatcher.enqueue(action);
      } catch (error) {
        reservation.release();
        reject(error as Error);
      }
    });
  }

  track(id: Felt): Promise<Tracked | undefined> {
    return Promise.resolve(this.#tracking.get(id));
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  /** A transaction that was thought lost may be in a block after all: then sending it again failed because of that. Gives what it cost. */
  async #lastLook(trackingId: Felt, transaction: Felt): Promise<bigint> {
    const state = await this.#options.chain.state(transaction).catch(() => undefined);
    const found = state?.status === 'succeeded' || state?.status === 'reverted';
    this.#tracking.set(trackingId, transaction, found ? 'accepted' : 'dropped');
    return found ? state.fee : 0n;
  }

  /** The forwarder deploys the account, if it is to be, and calls it; without a forwarder the universal deployer and the sender do. */
  #callsOf({ account, deployment, signed }: Order, trackingId: Felt): ChainCall[] {
    const deploys = deployment === undefined ? [] : [deployCall(deployment.classHash, deployment.salt, deployment.calldata)];
    if (signed === undefined) return deploys;
    const outside = outsideCalldata({ caller: this.forwarder, ...signed.execution.built }, signed.signature);
    if (this.#options.forwarder === undefined) return [...deploys, { to: account, selector: EXECUTE_FROM_OUTSIDE_V2, calldata: outside }];
    if (deployment === undefined) return [{ to: this.forwarder, selector: EXECUTE_SPONSORED_V2, calldata: [account, ...outside, trackingId] }];
    const { classHash, salt, calldata } = deployment;
    return [{ to: this.forwarder, selector: DEPLOY_AND_EXECUTE_SPONSORED, calldata: [classHash, salt, toFelt(calldata.length), ...calldata, ...outside, trackingId] }];
  }
}

/** 128 random bits: nonces and tracking ids. */
const randomFelt = (): Felt => toFelt(BigInt(`0x${randomBytes(16).toString('hex')}`));
