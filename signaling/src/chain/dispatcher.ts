import { affordable, shareFee } from './bounds.ts';
import { MAX_ATTEMPTS, MAX_BATCH, MAX_BATCH_CALLDATA, MAX_QUEUE, SIMULATION_FRESH_MS, SUBMIT_TRIES, FIRST_LOOK_MS } from './chain-limits.ts';
import { RelayerError, refuse } from './relayer-error.ts';
import { watchTransaction } from './watch-transaction.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Bounds, Chain, ChainCall, Estimate, SignedTransaction } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Metrics } from './metrics.ts';
import type { Sender, Senders } from './senders.ts';
import type { Verdict } from './watch-transaction.ts';

/** One sponsored action on its way into a transaction. */
export interface Action {
  readonly calls: readonly ChainCall[];
  readonly estimate: Estimate;
  /** Milliseconds of our clock. */
  readonly simulatedAt: number;
  /** It is in a transaction that was handed in; comes again with another one when it had to be sent again. */
  sent(transaction: Felt): void;
  /** It is in a block and cost this part of the fee; a revert has taken it along only if it was alone. */
  settled(result: { readonly transaction: Felt; readonly fri: bigint; readonly reverted: boolean }): void;
  /** It is given up. After `sent`: its transactions were lost. */
  failed(error: RelayerError): void;
}

interface Queued {
  readonly action: Action;
  readonly felts: number;
  attempts: number;
  /** Transactions that had been handed in when it came: a later one may have changed what its simulation saw. */
  readonly sentBefore: number;
  /** It was in a transaction of several that reverted: the next one is its own. */
  alone: boolean;
}

interface Ready {
  readonly batch: readonly Queued[];
  readonly estimate: Estimate;
}

export interface DispatcherOptions {
  readonly chain: Pick<Chain, 'simulate' | 'sign' | 'submit' | 'state' | 'nonceOf'>;
  readonly senders: Senders;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly maxFriPerAction: bigint;
  /** Fri that went into a transaction of several which reverted, or probably into one that we stop watching. */
  readonly onCharge: (fri: bigint) => void;
}

/**
 * Puts waiting actions into transactions: what waits while all senders are busy goes together into the next one. Every transaction is simulated
 * as a whole before it is signed; an action that would revert is taken out of it and fails alone. One transaction is under way for each sender.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #queue: Queued[] = [];
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #wake: (() => void) | undefined;
  #sent = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Throws `queue-full`, `no-sender` or `closing`; then the action is not kept. */
  enqueue(action: Action): void {
    if (this.#closing.signal.aborted) throw refuse('closing', 'the relayer is being stopped; try again in a minute');
    if (this.#queue.length >= MAX_QUEUE) throw refuse('queue-full', `${this.#queue.length} sponsored actions wait for a sender; try again in a minute`, { retryAfterMs: 60_000 });
    this.#queue.push({ action, felts: action.calls.reduce((sum, { calldata }) => sum + calldata.length + 3, 0), attempts: 0, sentBefore: this.#sent, alone: false });
    this.#pump();
  }

  /** Fails what waits and stops watching what is under way; that is in the network's hands and keeps its hash. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    for (const { action } of this.#queue.splice(0)) action.failed(refuse('closing', 'the relayer was stopped before this was sent; execute the same payload again'));
    await Promise.all(this.#running);
  }

  #pump(): void {
    this.#wake?.();
    this.#wake = undefined;
    while (this.#queue.length > 0 && !this.#closing.signal.aborted) {
      const sender = this.#options.senders.take();
      if (sender === undefined) return this.#wait();
      const run = this.#run(sender, this.#nextBatch()).then(() => {
        this.#options.senders.giveBack(sender);
        this.#running.delete(run);
        this.#pump();
      });
      this.#running.add(run);
    }
  }

  /** Nobody is free. Who is busy calls again by itself; who rests does not. */
  #wait(): void {
    const { senders, clock } = this.#options;
    if (senders.broke) {
      for (const { action } of this.#queue.splice(0)) action.failed(refuse('no-sender', "the relayer's accounts have too little STRK; the operator was told: execute the same payload again later"));
      return;
    }
    const ms = senders.nextInMs;
    if (ms !== undefined && senders.busy === 0) this.#wake = clock.after(ms, () => this.#pump());
  }

  #nextBatch(): Queued[] {
    const batch: Queued[] = [];
    let felts = 0;
    for (const next of this.#queue) {
      const first = batch[0];
      if (batch.length === MAX_BATCH || (first !== undefined && (first.alone || next.alone || felts + next.felts > MAX_BATCH_CALLDATA))) break;
      batch.push(next);
      felts += next.felts;
    }
    this.#queue.splice(0, batch.length);
    return batch;
  }

  /** Never rejects: whatever happens, every action of the batch is sent, queued again or failed. */
  async #run(sender: Sender, batch: readonly Queued[]): Promise<void> {
    const { senders, metrics, chain } = this.#options;
    const open = new Set(batch);
    try {
      if (!(await senders.hasFunds(sender))) return this.#again(batch);
      const ready = this.#fresh(batch) ?? (await this.#sift(sender, batch, open));
      if (ready === undefined) return;
      const { bounds } = affordable(ready.estimate, ready.batch.length, this.#options.maxFriPerAction);
      sender.nonce ??= await chain.nonceOf(sender.address);
      this.#sent++;
      const transaction = await this.#submit(sender, ready.batch, bounds);
      for (const queued of ready.batch) open.delete(queued);
      if (transaction === undefined) return this.#refused(sender, ready.batch);
      sender.nonce = transaction.nonce + 1n;
      metrics.sent++;
      if (ready.batch.length > 1) metrics.actionsTogether += ready.batch.length;
      for (const { action } of ready.batch) action.sent(transaction.hash);
      this.#conclude(sender, ready.batch, transaction.hash, await watchTransaction(transaction.hash, { ...this.#options, signal: this.#closing.signal }));
    } catch (error) {
      // Nothing of this batch was handed in: its clients may come again with the same payload.
      const known = error instanceof RelayerError ? error : new RelayerError('node-unavailable', 'the transaction could not be made; nothing was sent: execute the same payload again', { fault: 'bug', cause: error });
      if (known.code !== 'gas-spike') senders.rest(sender);
      for (const { action } of open) action.failed(known);
    }
  }

  /** An action alone that was simulated just now, with nothing sent since, is not simulated again. */
  #fresh(batch: readonly Queued[]): Ready | undefined {
    const [only] = batch;
    if (only === undefined || batch.length > 1 || only.sentBefore !== this.#sent || this.#options.clock.now() - only.action.simulatedAt >= SIMULATION_FRESH_MS) return undefined;
    return { batch, estimate: only.action.estimate };
  }

  /** The part of `batch` that goes through together. What reverts by itself fails; what reverts only beside the others waits for the next transaction. */
  async #sift(sender: Sender, batch: readonly Queued[], open: Set<Queued>): Promise<Ready | undefined> {
    const [only] = batch;
    if (only === undefined) return undefined;
    const whole = await this.#simulate(sender, batch);
    if (!(whole instanceof RelayerError)) return { batch, estimate: whole };
    if (batch.length === 1) {
      open.delete(only);
      only.action.failed(whole);
      return undefined;
    }
    const half = Math.ceil(batch.length / 2);
    const first = await this.#sift(sender, batch.slice(0, half), open);
    const second = await this.#sift(sender, batch.slice(half), open);
    if (first === undefined || second === undefined) return first ?? second;
    const both = [...first.batch, ...second.batch];
    const estimate = await this.#simulate(sender, both);
    if (!(estimate instanceof RelayerError)) return { batch: both, estimate };
    for (const queued of second.batch) open.delete(queued);
    this.#queue.unshift(...second.batch);
    return first;
  }

  async #simulate(sender: Sender, batch: readonly Queued[]): Promise<Estimate | RelayerError> {
    try {
      return await this.#options.chain.simulate(sender.address, batch.flatMap(({ action }) => action.calls));
    } catch (error) {
      if (error instanceof RelayerError && error.code === 'execution-error') return error;
      throw error;
    }
  }

  /** Hands it in. Undefined: the node refused it for good. Where the node is silent, the same signed transaction is handed in again; it may have been taken, so then it counts as sent. */
  async #submit(sender: Sender, batch: readonly Queued[], bounds: Bounds): Promise<SignedTransaction | undefined> {
    const { chain } = this.#options;
    const calls = batch.flatMap(({ action }) => action.calls);
    let transaction = await chain.sign(sender.address, calls, sender.nonce ?? 0n, bounds);
    let renewed = false;
    for (let tries = 1; ; tries++) {
      try {
        await chain.submit(transaction);
        return transaction;
      } catch (error) {
        if (!(error instanceof RelayerError)) throw error;
        if (error.code === 'submit-refused' || (error.code === 'nonce-refused' && renewed)) return undefined;
        if (error.code === 'nonce-refused') {
          // It may have been taken at a try whose answer was lost: then its nonce is used up by itself.
          if (tries > 1 && (await chain.state(transaction.hash)).status !== 'unknown') return transaction;
          // Somebody else used this account, or one of its transactions was dropped.
          sender.nonce = await chain.nonceOf(sender.address);
          transaction = await chain.sign(sender.address, calls, sender.nonce, bounds);
          renewed = true;
        } else if (tries >= SUBMIT_TRIES) {
          return transaction;
        } else {
          await this.#sleep(FIRST_LOOK_MS * 2 ** tries);
        }
      }
    }
  }

  #conclude(sender: Sender, batch: readonly Queued[], transaction: Felt, verdict: Verdict): void {
    const { senders, metrics } = this.#options;
    if (verdict.status === 'stopped') return this.#options.onCharge(batch.reduce((sum, { action }) => sum + action.estimate.fee, 0n));
    if (verdict.status === 'dropped') {
      metrics.dropped++;
      senders.rest(sender);
      return this.#again(batch, (action) => action.failed(refuse('node-unavailable', `transaction ${transaction} was dropped by the network, and the ones before it, too; build again`)));
    }
    metrics.feesFri += verdict.fee;
    senders.paid(sender, verdict.fee);
    const reverted = verdict.status === 'reverted';
    if (reverted) metrics.reverted++;
    else metrics.succeeded++;
    if (reverted && batch.length > 1) {
      // It passed the simulation of the whole: state changed between. Who it was shows when each goes alone.
      this.#options.onCharge(verdict.fee);
      for (const queued of batch) queued.alone = true;
      return this.#again(batch, (action) => action.failed(refuse('execution-error', `reverted together with others in ${transaction}: ${verdict.reason}`)));
    }
    const parts = shareFee(verdict.fee, batch.map(({ action }) => action.estimate.fee));
    for (const [index, { action }] of batch.entries()) action.settled({ transaction, fri: parts[index] ?? 0n, reverted });
  }

  #refused(sender: Sender, batch: readonly Queued[]): void {
    this.#options.senders.rest(sender);
    this.#again(batch, (action) => action.failed(refuse('no-sender', 'the node refused the transaction of every sender that was tried; nothing was sent: execute the same payload again later')));
  }

  /** Puts a batch in front of the queue; what was tried too often is given up. Without `giveUp` it does not count as a try. */
  #again(batch: readonly Queued[], giveUp?: (action: Action) => void): void {
    if (giveUp !== undefined) for (const queued of batch) queued.attempts++;
    const exhausted = (queued: Queued): boolean => queued.attempts >= MAX_ATTEMPTS || this.#closing.signal.aborted;
    for (const queued of batch.filter(exhausted)) giveUp?.(queued.action);
    this.#queue.unshift(...batch.filter((queued) => !exhausted(queued)));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }
}
