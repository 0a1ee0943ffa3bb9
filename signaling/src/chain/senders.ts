import { BALANCE_FRESH_MS, COOL_DOWN_MS } from './chain-limits.ts';
import type { Chain } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Policy } from './policy.ts';

/** An account of the relayer. Whoever took it is alone with it, and with its nonce, until it is given back. */
export class Sender {
  readonly address: Felt;
  /** The next nonce; undefined: ask the chain. */
  nonce: bigint | undefined;
  busy = false;
  /** Milliseconds of our clock until which it is not used. */
  restsUntil = 0;
  poor = false;
  balance = 0n;
  balanceAt = Number.NEGATIVE_INFINITY;
  alarmed = false;

  constructor(address: Felt) {
    this.address = address;
  }
}

/** A sender is short of STRK: below the alarm it still works, below the floor it does not. Amounts in fri. */
export interface BalanceAlarm {
  readonly sender: Felt;
  readonly balance: bigint;
  readonly usable: boolean;
}

/** The relayer's accounts, taken in turns. */
export class Senders {
  readonly all: readonly Sender[];
  readonly #chain: Pick<Chain, 'balanceOf'>;
  readonly #policy: Pick<Policy, 'senderFloorStrk' | 'senderAlarmStrk'>;
  readonly #now: () => number;
  readonly #onAlarm: (alarm: BalanceAlarm) => void;
  #turn = 0;

  constructor(addresses: readonly Felt[], options: { chain: Pick<Chain, 'balanceOf'>; policy: Pick<Policy, 'senderFloorStrk' | 'senderAlarmStrk'>; now: () => number; onAlarm: (alarm: BalanceAlarm) => void }) {
    this.all = addresses.map((address) => new Sender(address));
    this.#chain = options.chain;
    this.#policy = options.policy;
    this.#now = options.now;
    this.#onAlarm = options.onAlarm;
  }

  get busy(): number {
    return this.all.filter(({ busy }) => busy).length;
  }

  /** Locks a sender that is free and rested; undefined when there is none. */
  take(): Sender | undefined {
    for (let step = 0; step < this.all.length; step++) {
      const sender = this.all[(this.#turn + step) % this.all.length];
      if (sender === undefined || sender.busy || sender.restsUntil > this.#now()) continue;
      this.#turn = (this.#turn + step + 1) % this.all.length;
      sender.busy = true;
      return sender;
    }
    return undefined;
  }

  giveBack(sender: Sender): void {
    sender.busy = false;
  }

  /** Leaves the sender alone for a while, and has its nonce read again afterwards. */
  rest(sender: Sender, ms = COOL_DOWN_MS): void {
    sender.restsUntil = this.#now() + ms;
    sender.nonce = undefined;
  }

  /** Milliseconds until the first resting sender may be taken; undefined when none rests. */
  get nextInMs(): number | undefined {
    const waits = this.all.filter(({ busy, restsUntil }) => !busy && restsUntil > this.#now()).map(({ restsUntil }) => restsUntil - this.#now());
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** True when no sender has STRK left: waiting does not help. */
  get broke(): boolean {
    return this.all.every(({ poor }) => poor);
  }

  /** Reads the balance where it is stale; false: below the floor, and the sender rests. */
  async hasFunds(sender: Sender): Promise<boolean> {
    if (this.#now() - sender.balanceAt >= BALANCE_FRESH_MS) {
      sender.balance = await this.#chain.balanceOf(sender.address);
      sender.balanceAt = this.#now();
    }
    this.#judge(sender);
    if (sender.poor) this.rest(sender, BALANCE_FRESH_MS);
    return !sender.poor;
  }

  /** Takes a fee off the balance that is remembered, so that floor and alarm do not wait for the next reading. */
  paid(sender: Sender, fri: bigint): void {
    sender.balance -= fri;
    this.#judge(sender);
  }

  #judge(sender: Sender): void {
    sender.poor = sender.balance < this.#policy.senderFloorStrk;
    const low = sender.poor || sender.balance < this.#policy.senderAlarmStrk;
    if (low && (!sender.alarmed || sender.poor)) this.#onAlarm({ sender: sender.address, balance: sender.balance, usable: !sender.poor });
    sender.alarmed = low;
  }
}
