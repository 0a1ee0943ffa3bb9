import { ACCOUNT_CLASS_HASH, UNIVERSAL_DEPLOYER } from '@ciro/core/settlement/payout-address.ts';
import { toFelt } from './felt.ts';
import { RelayerError, refuse } from './relayer-error.ts';
import { DEPLOY_AND_EXECUTE_SPONSORED, EXECUTE_FROM_OUTSIDE_V2 } from './starknet-hashes.ts';
import type { Bounds, Chain, ChainCall, Estimate, SignedTransaction, TransactionState } from './chain-port.ts';
import type { Felt } from './felt.ts';

const GAS_A_CALL = 1_000_000n;

/** Deployments and outside executions are what the relayer sends; all that they do here is to happen once. */
interface Effect {
  readonly deploys: Felt | undefined;
  readonly account: Felt | undefined;
  readonly nonce: Felt | undefined;
}

/** A chain in memory: nonces, deployments and outside nonces as on Starknet, everything else as a test says. */
export class MemoryChain implements Chain {
  readonly chainId: Felt = '0x534e5f5345504f4c4941';
  time = 1_000;
  gasPrice = 10n;
  /** Refuses everything with this, as a silent node does. */
  down: RelayerError | undefined;
  /** Answers of the next `submit` calls: `refuse`, `lose` (taken, and its answer lost), `drop` (taken and never seen again), `hold` (waits until `land`). */
  readonly submits: ('refuse' | 'lose' | 'drop' | 'hold')[] = [];
  /** Outside nonces whose execution reverts: from now on, or only once it is in a block. */
  readonly bad = new Set<Felt>();
  readonly badOnChain = new Set<Felt>();
  readonly classes = new Map<Felt, Felt>();
  readonly nonces = new Map<Felt, bigint>();
  readonly balances = new Map<Felt, bigint>();
  readonly done = new Set<Felt>();
  readonly transactions = new Map<Felt, { readonly calls: readonly ChainCall[]; state: TransactionState }>();
  simulations = 0;
  signed = 0;
  readonly #held: SignedTransaction[] = [];

  timestamp(): Promise<number> {
    return this.#answer(() => this.time);
  }

  classHashAt(address: Felt): Promise<Felt | undefined> {
    return this.#answer(() => this.classes.get(address));
  }

  isValidSignature(account: Felt, hash: Felt, [word]: readonly Felt[]): Promise<boolean> {
    return this.#answer(() => word === signatureOf(account, hash)[0]);
  }

  nonceOf(address: Felt): Promise<bigint> {
    return this.#answer(() => this.nonces.get(address) ?? 0n);
  }

  balanceOf(address: Felt): Promise<bigint> {
    return this.#answer(() => this.balances.get(address) ?? 10n ** 21n);
  }

  simulate(_sender: Felt, calls: readonly ChainCall[]): Promise<Estimate> {
    return this.#answer(() => {
      this.simulations++;
      this.#run(calls, false);
      const amount = GAS_A_CALL * BigInt(calls.length);
      const nothing = { amount: 0n, price: 0n };
      return { fee: amount * this.gasPrice, used: { l1Gas: nothing, l1DataGas: nothing, l2Gas: { amount, price: this.gasPrice } } };
    });
  }

  sign(sender: Felt, calls: readonly ChainCall[], nonce: bigint, _bounds: Bounds): Promise<SignedTransaction> {
    this.signed++;
    const hash = toFelt(BigInt(sender) * 1_000_000n + nonce * 1_000n + BigInt(calls.length));
    return Promise.resolve({ hash, sender, nonce, body: calls });
  }

  submit(transaction: SignedTransaction): Promise<void> {
    return this.#answer(() => {
      if (this.transactions.has(transaction.hash)) return;
      if (transaction.nonce !== (this.nonces.get(transaction.sender) ?? 0n)) throw refuse('nonce-refused', 'bad nonce');
      const how = this.submits.shift();
      if (how === 'refuse') throw refuse('submit-refused', 'validation failed');
      if (how === 'drop') return;
      if (how === 'hold') this.#hold(transaction);
      else this.#include(transaction);
      if (how === 'lose') throw unavailable();
    });
  }

  state(hash: Felt): Promise<TransactionState> {
    return this.#answer(() => this.transactions.get(hash)?.state ?? { status: 'unknown' });
  }

  /** Puts what `hold` kept back into blocks. */
  land(): void {
    for (const transaction of this.#held.splice(0)) this.#include(transaction);
  }

  #hold(transaction: SignedTransaction): void {
    this.#held.push(transaction);
    this.transactions.set(transaction.hash, { calls: transaction.body as ChainCall[], state: { status: 'waiting' } });
  }

  #include({ hash, sender, nonce, body }: SignedTransaction): void {
    const calls = body as ChainCall[];
    const l2Gas = GAS_A_CALL * BigInt(calls.length);
    const cost = { fee: l2Gas * this.gasPrice, l2Gas };
    this.nonces.set(sender, nonce + 1n);
    try {
      this.#run(calls, true);
      this.transactions.set(hash, { calls, state: { status: 'succeeded', ...cost } });
    } catch (error) {
      this.transactions.set(hash, { calls, state: { status: 'reverted', ...cost, reason: (error as Error).message } });
    }
  }

  /** All or nothing, as a multicall is. */
  #run(calls: readonly ChainCall[], onChain: boolean): void {
    const done = new Set(this.done);
    const deployed = new Map(this.classes);
    for (const call of calls) {
      const { deploys, account, nonce } = effectOf(call);
      if (deploys !== undefined) {
        if (deployed.has(deploys)) throw refuse('execution-error', 'contract already deployed');
        deployed.set(deploys, ACCOUNT_CLASS_HASH);
      }
      if (account === undefined || nonce === undefined) continue;
      if (this.bad.has(nonce) || (onChain && this.badOnChain.has(nonce))) throw refuse('execution-error', 'CIRO-CP: not enough stake');
      if (done.has(nonce)) throw refuse('execution-error', 'SRC9: duplicated nonce');
      done.add(nonce);
    }
    if (!onChain) return;
    for (const nonce of done) this.done.add(nonce);
    for (const [address, classHash] of deployed) this.classes.set(address, classHash);
  }

  async #answer<T>(make: () => T): Promise<T> {
    await Promise.resolve();
    if (this.down !== undefined) throw this.down;
    return make();
  }
}

/** What an account of `MemoryChain` takes for its signature. */
export const signatureOf = (account: Felt, hash: Felt): Felt[] => [toFelt(BigInt(account) ^ BigInt(hash))];

export const unavailable = (): RelayerError => new RelayerError('node-unavailable', 'the node is silent', { fault: 'timeout' });

/** Account and outside nonce of a forwarded call; the salt of a deployment stands for its address. */
function effectOf({ to, selector, calldata }: ChainCall): Effect {
  if (to === UNIVERSAL_DEPLOYER) return { deploys: calldata[1], account: undefined, nonce: undefined };
  if (selector === EXECUTE_FROM_OUTSIDE_V2) return { deploys: undefined, account: to, nonce: calldata[1] };
  // [class, salt, length, …constructor, caller, nonce, …], or [account, caller, nonce, …].
  if (selector === DEPLOY_AND_EXECUTE_SPONSORED) return { deploys: calldata[1], account: calldata[1], nonce: calldata[Number(calldata[2]) + 4] };
  return { deploys: undefined, account: calldata[0], nonce: calldata[2] };
}
