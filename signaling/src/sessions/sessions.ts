import { PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { toHex } from '@ciro/core/bytes.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import { RecordBook } from './record-book.ts';
import { Resumes } from './resumes.ts';
import { MAX_SESSIONS, RECORD_FLUSH_MS } from './session-limits.ts';
import { Session } from './session.ts';
import type { Clock } from './clock.ts';
import type { NodeRecords, StoredNode } from './node-records.ts';
import type { Channel, SessionOwner } from './session.ts';
import type { Offence, Profile, Worker, WorkerIdentity, WorkMessage } from './worker.ts';

type Welcome = Extract<CoordinatorMessage, { type: 'welcome' }>;
type CreditMessage = Extract<CoordinatorMessage, { type: 'credit' }>;

/** What other rooms hear of workers. Calls come in the order in which things happened. */
export interface WorkerObserver {
  /** A worker can be placed, or measured itself anew. */
  joined?(worker: Worker): void;
  /** It takes no more work: it pressed Stop, lost its engine, was replaced, refused, or its connection ended. `returns`: it is to be expected back within seconds. */
  left?(nodeId: NodeId, reason: string, returns: boolean): void;
  /** A message about jobs, shards or links from a greeted worker. */
  message?(nodeId: NodeId, message: WorkMessage): void;
  /** Bytes for a neighbour of a greeted worker, or its word that it took some. */
  relayed?(nodeId: NodeId, message: RelayMessage): void;
  /** A greeted worker wants a ticket for the account of its identity (SPEC Y7). */
  sponsorWanted?(worker: WorkerIdentity): void;
}

export interface SessionsDeps {
  readonly clock: Clock;
  readonly records: NodeRecords;
  /** Uncompressed P-256 point in hex: plans are verified with it. */
  readonly coordinatorPublicKey: string;
  /** `length` random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Models to announce, the default first. */
  readonly models: () => Welcome['models'];
  /** Where what fails in the background goes (a record that could not be written). */
  readonly onError: (error: unknown) => void;
}

export interface SessionsOptions {
  readonly network: string;
  readonly maxSessions?: number;
}

/** Every connected tab: who it is, what it measured, and the way to reach it. */
export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #options: SessionsOptions;
  readonly #book: RecordBook;
  readonly #resumes = new Resumes();
  readonly #open = new Set<Session>();
  readonly #byNode = new Map<NodeId, Session>();
  readonly #tokens = new Map<NodeId, string>();
  readonly #observers: WorkerObserver[] = [];
  /** Sessions by node id, until one comes or goes: the list is asked for at every change of any worker. */
  #sorted: readonly Session[] | undefined;
  readonly #owner: SessionOwner;
  #stopFlushing: () => void = () => undefined;

  constructor(deps: SessionsDeps, options: SessionsOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#book = new RecordBook(deps);
    this.#owner = {
      greeted: (session, identity, resume) => this.#greeted(session, identity, resume),
      profiled: (_session, worker) => this.#profiled(worker),
      message: (_session, worker, message) => this.#tell((observer) => observer.message?.(worker.nodeId, message)),
      relayed: (_session, worker, message) => this.#tell((observer) => observer.relayed?.(worker.nodeId, message)),
      sponsorWanted: (_session, worker) => this.#tell((observer) => observer.sponsorWanted?.(worker)),
      left: (_session, worker, reason, returns) => this.#tell((observer) => observer.left?.(worker.nodeId, reason, returns)),
      measured: (_session, worker, rttMs) => this.#book.add(worker, { latencyTotalMs: rttMs, latencySamples: 1 }),
      closed: (session, worker) => this.#closed(session, worker),
    };
    this.#flushLater();
  }

  /** Adds a listener; observers are called in the order in which they were added. */
  observe(observer: WorkerObserver): void {
    this.#observers.push(observer);
  }

  /** A new connection: the challenge goes out. The edge passes messages to `receive`, pings to `measured`, its end to `end`. */
  open(channel: Channel): Session {
    const challenge = toHex(this.#deps.randomBytes(32));
    const session = new Session({ channel, owner: this.#owner, clock: this.#deps.clock }, { network: this.#options.network, challenge });
    const limit = this.#options.maxSessions ?? MAX_SESSIONS;
    this.#open.add(session);
    if (this.#open.size > limit) {
      session.refuse('full', `this coordinator holds ${limit} connections already; try again in a minute`);
      return session;
    }
    const { coordinatorPublicKey } = this.#deps;
    session.send({ type: 'challenge', protocol: PROTOCOL_VERSION, network: this.#options.network, challenge: challenge as HexHash, coordinatorPublicKey });
    return session;
  }

  /** Connections now, greeted or not. */
  get size(): number {
    return this.#open.size;
  }

  /** Workers that can be placed, ordered by node id so that equal sets read the same. */
  workers(): Worker[] {
    this.#sorted ??= [...this.#byNode].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, session]) => session);
    return this.#sorted.flatMap((session) => session.worker ?? []);
  }

  /** Everybody who has proven who it is, placeable or not, ordered by node id. */
  nodes(): NodeId[] {
    return [...this.#byNode.keys()].sort();
  }

  /** The worker with this id, if it can be placed. */
  worker(nodeId: NodeId): Worker | undefined {
    return this.#byNode.get(nodeId)?.worker;
  }

  /** Whether a connected node asked that no neighbour learns its network address. */
  hidesAddress(nodeId: NodeId): boolean {
    return this.#byNode.get(nodeId)?.identity?.relayOnly ?? false;
  }

  /** Sends to a node; dropped when it is not connected (its `left` was or will be told). */
  send(nodeId: NodeId, message: CoordinatorMessage): void {
    this.#byNode.get(nodeId)?.send(message);
  }

  /** Tells a worker of a change of its account; nothing when it is not connected, the ledger has it anyway. */
  sendCredit(nodeId: NodeId, credit: Omit<CreditMessage, 'type'>): void {
    this.send(nodeId, { type: 'credit', ...credit });
  }

  /** Answers `dropped` and scores the session; past its budget it is refused and closed. */
  offend(nodeId: NodeId, offence: Offence, code: string, message: string): void {
    this.#byNode.get(nodeId)?.offend(offence, code, message);
  }

  /** Ends a node's connection, which does not answer any more; a tab that comes back connects again. */
  end(nodeId: NodeId, reason: string): void {
    this.#byNode.get(nodeId)?.end(reason);
  }

  /** The worker's next nonce commitment, for one plan (SPEC A1); null when it has none, or is gone. */
  takeNonce(nodeId: NodeId): HexHash | null {
    return this.#byNode.get(nodeId)?.takeNonce() ?? null;
  }

  /** Books paid work, in positions times layers, on the node's record. */
  contributed(identity: WorkerIdentity, positionsTimesLayers: number): void {
    this.#book.add(identity, { computeContributed: positionsTimesLayers, jobsServed: 1 });
  }

  /** Notes on the node's record that a job failed because of it. */
  failedJob(identity: WorkerIdentity): void {
    this.#book.add(identity, { jobsFailed: 1 });
  }

  /** Records of nodes, those that are not stored yet included, newest first. */
  records(): Promise<StoredNode[]> {
    return this.#book.list();
  }

  /** One node's record; undefined when it was never seen. */
  record(nodeId: NodeId): Promise<StoredNode | undefined> {
    return this.#book.find(nodeId);
  }

  /** Closes every connection and writes what is not written yet. */
  async close(): Promise<void> {
    this.#stopFlushing();
    for (const session of [...this.#open]) session.end('the coordinator stops');
    await this.#book.flush();
  }

  /** The newest connection wins: whoever can sign is the owner, and an old socket may be dead without having said so. */
  #greeted(session: Session, identity: WorkerIdentity, resume: string | undefined): Profile | undefined {
    const { nodeId } = identity;
    const now = this.#deps.clock.now();
    const profile = this.#resumes.profile(nodeId, resume, now);
    this.#byNode.get(nodeId)?.refuse('replaced', 'this identity connected again from another tab or after a break; only the newest connection works');
    this.#byNode.set(nodeId, session);
    this.#sorted = undefined;
    this.#book.connected(identity);
    const token = toHex(this.#deps.randomBytes(16));
    this.#tokens.set(nodeId, token);
    this.#resumes.keep(nodeId, token, profile, now);
    session.send({ type: 'welcome', nodeId, resume: token, models: this.#deps.models() });
    return profile;
  }

  #profiled(worker: Worker): void {
    const token = this.#tokens.get(worker.nodeId);
    if (token !== undefined) this.#resumes.keep(worker.nodeId, token, worker.profile, this.#deps.clock.now());
    this.#tell((observer) => observer.joined?.(worker));
  }

  #closed(session: Session, worker: WorkerIdentity | undefined): void {
    this.#open.delete(session);
    if (worker === undefined || this.#byNode.get(worker.nodeId) !== session) return;
    this.#byNode.delete(worker.nodeId);
    this.#sorted = undefined;
    this.#tokens.delete(worker.nodeId);
    this.#book.disconnected(worker.nodeId);
  }

  #tell(call: (observer: WorkerObserver) => void): void {
    this.#observers.forEach(call);
  }

  #flushLater(): void {
    this.#stopFlushing = this.#deps.clock.after(RECORD_FLUSH_MS, () => {
      this.#book.flush().catch(this.#deps.onError);
      this.#flushLater();
    });
  }
}
