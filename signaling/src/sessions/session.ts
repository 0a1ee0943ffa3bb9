import * as v from 'valibot';
import { nodeIdOf, verifyBinding } from '@ciro/core/identity/identity.ts';
import { PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { parseWorkerMessage, ProtocolError } from '@ciro/core/protocol/parse.ts';
import { HELLO_TIMEOUT_MS, MESSAGE_BURST, MESSAGES_PER_SECOND, OFFENCE_BUDGET, OFFENCES_FORGIVEN_PER_SECOND, RELAY_MESSAGE_BURST, RELAY_MESSAGES_PER_SECOND, RTT_SMOOTHING } from './session-limits.ts';
import { NonceBox } from './nonce-box.ts';
import { TokenBucket } from './token-bucket.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { CoordinatorMessage, REFUSALS } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import type { Clock } from './clock.ts';
import type { Measured, Offence, Profile, Worker, WorkerIdentity, WorkMessage } from './worker.ts';

export type Refusal = (typeof REFUSALS)[number];

/** Port: one connection to a tab. Neither call throws when the connection is gone already. */
export interface Channel {
  send(message: CoordinatorMessage): void;
  /** Ends the connection after what was sent. */
  close(): void;
}

type State =
  | { readonly at: 'challenged'; readonly challenge: string; readonly since: number }
  | { readonly at: 'greeted'; readonly identity: WorkerIdentity }
  | { readonly at: 'profiled'; readonly worker: Omit<Worker, 'rttMs' | 'mayFreeze' | 'measured'> }
  | { readonly at: 'closed' };

/** What a session reports to the registry; each call happens inside `receive` or `end`. */
export interface SessionOwner {
  /** The identity is proven: send `welcome`, and give the profile of an earlier connection that `resume` names, if any. */
  greeted(session: Session, identity: WorkerIdentity, resume: string | undefined): Profile | undefined;
  profiled(session: Session, worker: Worker): void;
  message(session: Session, worker: WorkerIdentity, message: WorkMessage): void;
  /** Bytes for a neighbour, or its word that it took some (SPEC L3). */
  relayed(session: Session, worker: WorkerIdentity, message: RelayMessage): void;
  /** It wants a ticket for its own account (SPEC Y7). */
  sponsorWanted(session: Session, worker: WorkerIdentity): void;
  /** The worker takes no more work on this connection (it may send a new profile later; `returns`: it is about to). */
  left(session: Session, worker: WorkerIdentity, reason: string, returns: boolean): void;
  measured(session: Session, worker: WorkerIdentity, rttMs: number): void;
  /** After `left`, if there was anyone: the connection is over. */
  closed(session: Session, worker: WorkerIdentity | undefined): void;
}

const AnyHello = v.object({ type: v.literal('hello'), protocol: v.number() });
const AnyRelay = v.object({ type: v.picklist(['relay', 'relay-taken']) });

/** One connection, from challenge to close. Sans-I/O: `receive` in, messages out through the channel, facts to the owner. */
export class Session {
  readonly #channel: Channel;
  readonly #owner: SessionOwner;
  readonly #clock: Clock;
  readonly #network: string;
  readonly #messages: TokenBucket;
  readonly #relayMessages: TokenBucket;
  readonly #forgiveness: TokenBucket;
  readonly #nonces = new NonceBox();
  readonly #stopWaiting: () => void;
  #state: State;
  /** Until the first ping came back: the greeting's, which a busy page may have answered late. */
  #rttMs = 0;
  #mayFreeze = false;
  /** Of all that it told on this connection, the newest of each part. */
  #measured: Measured = {};
  #pinged = false;
  #offences = 0;
  /** What `worker` gives, until anything of it changes. */
  #worker: Worker | undefined;

  /** Sends nothing: the owner sends the challenge. `challenge`: 32 random bytes in hex. */
  constructor(deps: { channel: Channel; owner: SessionOwner; clock: Clock }, options: { network: string; challenge: string }) {
    this.#channel = deps.channel;
    this.#owner = deps.owner;
    this.#clock = deps.clock;
    this.#network = options.network;
    const now = deps.clock.now();
    this.#messages = new TokenBucket(MESSAGE_BURST, MESSAGES_PER_SECOND, now);
    this.#relayMessages = new TokenBucket(RELAY_MESSAGE_BURST, RELAY_MESSAGES_PER_SECOND, now);
    this.#forgiveness = new TokenBucket(OFFENCE_BUDGET, OFFENCES_FORGIVEN_PER_SECOND, now);
    this.#state = { at: 'challenged', challenge: options.challenge, since: now };
    this.#stopWaiting = deps.clock.after(HELLO_TIMEOUT_MS, () => this.refuse('hello-expected', `no hello came within ${HELLO_TIMEOUT_MS / 1000} s of the challenge; reload the page`));
  }

  /** The worker when it can be placed. */
  get worker(): Worker | undefined {
    if (this.#state.at !== 'profiled') return undefined;
    return (this.#worker ??= this.#with(this.#state.worker));
  }

  /** Who it is, once proven and until the connection ends. */
  get identity(): WorkerIdentity | undefined {
    if (this.#state.at === 'greeted') return this.#state.identity;
    return this.#state.at === 'profiled' ? this.#state.worker : undefined;
  }

  /** Offences so far, for operators. */
  get offences(): number {
    return this.#offences;
  }

  /** The worker's next nonce commitment, for one plan; null when it has given none that is unused (SPEC A1). */
  takeNonce(): HexHash | null {
    return this.#nonces.take();
  }

  /** Sends, unless the connection is over. */
  send(message: CoordinatorMessage): void {
    if (this.#state.at !== 'closed') this.#channel.send(message);
  }

  /** One message as it came off the wire. */
  receive(raw: unknown): void {
    if (this.#state.at === 'closed') return;
    const relays = v.is(AnyRelay, raw);
    if (!(relays ? this.#relayMessages : this.#messages).take(this.#clock.now())) {
      const [burst, perSecond, what] = relays ? [RELAY_MESSAGE_BURST, RELAY_MESSAGES_PER_SECOND, 'relayed pieces'] : [MESSAGE_BURST, MESSAGES_PER_SECOND, 'messages'];
      this.refuse('too-many-messages', `more than ${burst} ${what} at once or ${perSecond} a second; slow down and connect again`);
      return;
    }
    if (this.#state.at === 'challenged' && v.is(AnyHello, raw) && raw.protocol !== PROTOCOL_VERSION) {
      this.refuse('protocol-version', `this page speaks protocol ${raw.protocol}, the coordinator speaks ${PROTOCOL_VERSION}; reload the page to get the current version`);
      return;
    }
    try {
      this.#handle(parseWorkerMessage(raw));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (this.#state.at === 'challenged') this.refuse('malformed', error.message);
      else this.offend('malformed', error.code, error.message);
    }
  }

  /** Counts an offence and answers `dropped`; past the budget the connection is refused. Other jobs and sessions go on. */
  offend(offence: Offence, code: string, message: string): void {
    if (this.#state.at === 'closed') return;
    this.#offences++;
    if (this.#forgiveness.take(this.#clock.now())) this.send({ type: 'dropped', code: code.slice(0, 64), message: message.slice(0, 500) });
    else this.refuse('too-many-messages', `more than ${OFFENCE_BUDGET} messages had to be dropped, the last one as ${offence}: ${message}`);
  }

  /** Says why, and closes. */
  refuse(code: Refusal, message: string): void {
    if (this.#state.at === 'closed') return;
    this.send({ type: 'refused', code, message: message.slice(0, 500) });
    this.end(code);
  }

  /** A ping came back after `ms`. */
  measured(ms: number): void {
    const identity = this.identity;
    if (identity === undefined || !(ms >= 0)) return;
    this.#rttMs = this.#pinged ? this.#rttMs + (ms - this.#rttMs) * RTT_SMOOTHING : ms;
    this.#pinged = true;
    this.#worker = undefined;
    this.#owner.measured(this, identity, ms);
  }

  /** The connection is over, from either side. Safe to call twice. */
  end(reason: string): void {
    const before = this.#state;
    if (before.at === 'closed') return;
    const identity = this.identity;
    this.#stopWaiting();
    this.#state = { at: 'closed' };
    this.#channel.close();
    if (before.at === 'profiled') this.#owner.left(this, before.worker, reason, false);
    this.#owner.closed(this, identity);
  }

  #handle(message: WorkerMessage): void {
    const state = this.#state;
    if (state.at === 'closed') return;
    if (state.at === 'challenged') {
      if (message.type === 'hello') this.#greet(message, state.challenge, state.since);
      else this.refuse('hello-expected', `${message.type} came before hello; answer the challenge first`);
      return;
    }
    const identity: WorkerIdentity = state.at === 'greeted' ? state.identity : state.worker;
    switch (message.type) {
      case 'hello':
        this.offend('not-yours', 'greeted-already', 'a second hello on one connection; connect again to change keys');
        return;
      case 'profile': {
        const { type: _, ...profile } = message;
        this.#takeProfile(identity, profile);
        return;
      }
      case 'measured': {
        const { type: _, ...measured } = message;
        this.#measured = { ...this.#measured, ...measured };
        this.#worker = undefined;
        return;
      }
      case 'nonces': {
        const refused = this.#nonces.give(message.commitments);
        if (refused !== undefined) this.offend(refused.offence, refused.code, refused.message);
        return;
      }
      case 'visibility':
        this.#mayFreeze = message.hidden && message.mobile;
        this.#worker = undefined;
        return;
      case 'engine-lost':
        this.#nonces.clear();
        if (state.at !== 'profiled') return;
        this.#state = { at: 'greeted', identity };
        this.#owner.left(this, identity, `lost its engine: ${message.code}: ${message.message}`, true);
        return;
      case 'leaving':
        if (state.at !== 'profiled') return;
        this.#state = { at: 'greeted', identity };
        this.#owner.left(this, identity, message.reason, false);
        return;
      case 'sponsor-wanted':
        this.#owner.sponsorWanted(this, identity);
        return;
      case 'relay':
      case 'relay-taken':
        this.#owner.relayed(this, identity, message);
        return;
      default:
        this.#owner.message(this, identity, message);
    }
  }

  /** Synchronous on purpose: no later message of this connection is looked at before its hello is decided. */
  #greet(hello: Extract<WorkerMessage, { type: 'hello' }>, challenge: string, since: number): void {
    const { identityPublicKey, devicePublicKey, signature, agent, resume, relayOnly = false } = hello;
    if (!verifyBinding({ network: this.#network, devicePublicKey, challenge }, signature, identityPublicKey)) {
      this.refuse('bad-signature', `the signature does not bind the device key to ${identityPublicKey} for this challenge on network ${this.#network}; reload the page`);
      return;
    }
    this.#stopWaiting();
    const identity: WorkerIdentity = { nodeId: nodeIdOf(identityPublicKey), identityPublicKey, devicePublicKey, agent, relayOnly };
    this.#rttMs = this.#clock.now() - since;
    this.#state = { at: 'greeted', identity };
    const profile = this.#owner.greeted(this, identity, resume);
    if (profile !== undefined) this.#takeProfile(identity, profile);
  }

  #takeProfile(identity: WorkerIdentity, profile: Profile): void {
    const since = this.#state.at === 'profiled' ? this.#state.worker.since : this.#clock.now();
    const worker = { ...identity, profile, since };
    this.#state = { at: 'profiled', worker };
    this.#worker = undefined;
    this.#owner.profiled(this, this.#with(worker));
  }

  #with(worker: Omit<Worker, 'rttMs' | 'mayFreeze' | 'measured'>): Worker {
    return { ...worker, rttMs: this.#rttMs, mayFreeze: this.#mayFreeze, measured: this.#measured };
  }
}
