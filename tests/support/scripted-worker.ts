import { webcrypto } from 'node:crypto';
import { io } from 'socket.io-client';
import * as parser from 'socket.io-msgpack-parser';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { fromHex, toHex } from '@ciro/core/bytes.ts';
import { identityPublicKey, nodeIdOf, signBinding, signJobRoot } from '@ciro/core/identity/identity.ts';
import { planBytes } from '@ciro/core/job/plan.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { NONCE_BYTES, PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { parseCoordinatorMessage } from '@ciro/core/protocol/parse.ts';
import { SliceAssembler, slicesOf } from '@ciro/core/protocol/slices.ts';
import type { Socket } from 'socket.io-client';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import { ScriptedStage } from './scripted-stage.ts';
import type { Misbehaviour, StageHost } from './scripted-stage.ts';

/** Commitments that the coordinator has at a time: more than there are jobs at a time. */
const NONCES = 8;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface ScriptedWorkerOptions {
  /** Identity key, below 2^251: equal seeds are the same identity. */
  readonly seed: number;
  readonly url: string;
  /** Where workers find each other's ends of a link. */
  readonly workers: Map<NodeId, ScriptedWorker>;
  readonly misbehaviour?: Misbehaviour;
  /** Keeps nothing of a job that is over. */
  readonly forgets?: boolean;
  readonly profile?: Partial<Extract<WorkerMessage, { type: 'profile' }>>;
  /** Changes the hello before it is sent. */
  readonly hello?: (hello: Extract<WorkerMessage, { type: 'hello' }>) => unknown;
  readonly headers?: Record<string, string>;
  /** Loopback address that it connects from: a coordinator bounds the connections of one. */
  readonly localAddress?: string;
  /** Milliseconds that it computes so many layers for these rows or this id, one frame after the other; nothing when absent. */
  readonly computeMs?: (frame: Frame, layers: number) => number;
  /** False: what the coordinator sent is not kept, but for the first of each type. */
  readonly keepsMessages?: boolean;
  /** Stops after the welcome: no profile is sent. */
  readonly silent?: boolean;
  /** Hears everything after this worker has done its part. */
  readonly onMessage?: (message: CoordinatorMessage, worker: ScriptedWorker) => void;
}

/** A tab without a browser: real keys, the real wire, rows that are made up. Links are calls in this process. */
export class ScriptedWorker {
  readonly options: ScriptedWorkerOptions;
  /** Everything the coordinator sent. */
  readonly received: CoordinatorMessage[] = [];
  /** Its nonces by the commitments that it gave. */
  readonly nonces = new Map<string, string>();
  readonly #socket: Socket;
  readonly #identityKey: string;
  readonly #device: webcrypto.CryptoKeyPair;
  readonly #devicePublicKey: string;
  readonly #stages = new Map<JobId, ScriptedStage>();
  readonly #assemblers = new Map<NodeId, SliceAssembler>();
  readonly #waiters = new Set<() => void>();
  readonly nodeId: NodeId;
  #disconnected: string | undefined;
  #coordinatorKey = '';
  #network = '';
  #frameCount = 0;
  /** When it has computed what it was given so far, by `performance.now()`. */
  #busyUntil = 0;
  /** Model and layers that it has loaded. */
  #holds: string | undefined;
  #layers: readonly [number, number] | null = null;

  /** Why its connection ended, in the library's words; undefined while it is open. */
  get disconnected(): string | undefined {
    return this.#disconnected;
  }

  static async connect(options: ScriptedWorkerOptions): Promise<ScriptedWorker> {
    const device = await webcrypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']);
    const publicKey = toHex(new Uint8Array(await webcrypto.subtle.exportKey('raw', device.publicKey)));
    return new ScriptedWorker(options, device, publicKey);
  }

  private constructor(options: ScriptedWorkerOptions, device: webcrypto.CryptoKeyPair, devicePublicKey: string) {
    this.options = options;
    this.#identityKey = `0x${(0x1234_5678 + options.seed).toString(16)}`;
    this.nodeId = nodeIdOf(identityPublicKey(this.#identityKey));
    this.#device = device;
    this.#devicePublicKey = devicePublicKey;
    this.#socket = io(options.url, { path: '/socket', parser, transports: ['websocket'], reconnection: false, forceNew: true, ...(options.localAddress && { localAddress: options.localAddress }), ...(options.headers === undefined ? {} : { extraHeaders: options.headers }) });
    this.#socket.on('m', (raw: unknown) => this.#handle(parseCoordinatorMessage(raw)));
    this.#socket.on('disconnect', (reason) => {
      this.#disconnected = reason;
      this.#wake();
    });
    this.#socket.on('connect_error', () => this.#wake());
    options.workers.set(this.nodeId, this);
  }

  /** Resolves when its connection has ended. */
  over(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#disconnected !== undefined) resolve();
      else this.#socket.once('disconnect', () => resolve());
    });
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  get network(): string {
    return this.#network;
  }

  /** Layers that it has loaded. */
  get layers(): readonly [number, number] | null {
    return this.#layers;
  }

  /** Its stage of a job that it prepared. */
  stage(job: JobId): ScriptedStage | undefined {
    return this.#stages.get(job);
  }

  /** Signs with the device key of this connection. */
  async sign(bytes: Uint8Array): Promise<string> {
    return toHex(new Uint8Array(await webcrypto.subtle.sign(ECDSA, this.#device.privateKey, Uint8Array.from(bytes))));
  }

  /** Sends anything at all. */
  sendRaw(message: unknown): void {
    this.#socket.emit('m', message);
  }

  send(message: WorkerMessage): void {
    this.sendRaw(message);
  }

  /** Goes away without a word. */
  vanish(): void {
    this.options.workers.delete(this.nodeId);
    this.#socket.disconnect();
  }

  /** The first message of this type, now or later; rejects when the connection ends without one. */
  async message<T extends CoordinatorMessage['type']>(type: T): Promise<Extract<CoordinatorMessage, { type: T }>> {
    const isWanted = (message: CoordinatorMessage): message is Extract<CoordinatorMessage, { type: T }> => message.type === type;
    for (;;) {
      const found = this.received.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
      if (!this.#socket.connected && !this.received.some(isWanted)) throw new Error(`the connection ended without ${type}; received ${this.received.map((each) => each.type).join(', ')}`);
    }
  }

  /** Resolves when the coordinator has closed the connection. */
  async gone(): Promise<void> {
    while (this.#socket.connected) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  /** A slice from a neighbour. */
  receiveSlice(from: NodeId, slice: Uint8Array): void {
    let assembler = this.#assemblers.get(from);
    if (assembler === undefined) this.#assemblers.set(from, (assembler = new SliceAssembler()));
    const bytes = assembler.accept(slice);
    if (bytes === undefined) return;
    const frame = decodeFrame(bytes);
    this.#stages.get(frame.job)?.frame(frame);
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  #handle(message: CoordinatorMessage): void {
    if (this.options.keepsMessages !== false || !this.received.some(({ type }) => type === message.type)) this.received.push(message);
    switch (message.type) {
      case 'challenge':
        this.#hello(message);
        break;
      case 'welcome':
        this.#giveNonces(NONCES);
        if (this.options.silent !== true) this.send({ type: 'profile', engine: 'wasm', layerMs: 1, layerMs16: 4, headMs: 1, memoryBudgetBytes: 1e9, ...this.options.profile });
        break;
      case 'assign': {
        const shards = { type: 'shards', assignment: message.assignment, loadedBytes: 10, totalBytes: 10, fetchedBytes: 10 } as const;
        const wanted = message.layers === null ? undefined : `${message.modelId} ${message.layers.join()}`;
        // What is loaded already, as by one that stood by, is not loaded again.
        if (wanted !== undefined && wanted !== this.#holds) this.send({ ...shards, state: 'loading', loadedBytes: 0 });
        if (wanted !== undefined) this.send({ ...shards, state: 'ready' });
        this.#holds = wanted;
        this.#layers = message.layers;
        break;
      }
      case 'connect':
        if (message.via === 'coordinator') this.send({ type: 'link', link: message.link, peer: message.peer, state: 'open', route: 'relay', rttMs: 0 });
        else if (message.initiator) this.send({ type: 'signal', to: message.peer, link: message.link, payload: 'offer' });
        break;
      case 'signal':
        if (message.payload === 'offer') this.send({ type: 'signal', to: message.from, link: message.link, payload: 'answer' });
        this.send({ type: 'link', link: message.link, peer: message.from, state: 'open', route: 'direct', rttMs: 1 });
        break;
      case 'plan':
        void this.#plan(message);
        break;
      case 'start':
        this.#stages.get(message.job)?.start();
        break;
      case 'probe':
        this.send({ type: 'alive', job: message.job, version: message.version });
        break;
      case 'finish':
        this.#stages.get(message.job)?.finish(message.acceptedTo);
        break;
      default:
    }
    this.options.onMessage?.(message, this);
    this.#wake();
  }

  /** Fresh commitments for the audit draw; the nonces behind them are kept. */
  #giveNonces(count: number): void {
    const nonces = Array.from({ length: count }, () => toHex(webcrypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
    const commitments = nonces.map((nonce) => nonceCommitment(nonce));
    commitments.forEach((commitment, index) => this.nonces.set(commitment, nonces[index] ?? ''));
    this.send({ type: 'nonces', commitments });
  }

  #hello({ network, challenge, coordinatorPublicKey }: Extract<CoordinatorMessage, { type: 'challenge' }>): void {
    this.#network = network;
    this.#coordinatorKey = coordinatorPublicKey;
    const devicePublicKey = this.#devicePublicKey;
    const hello = {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      identityPublicKey: identityPublicKey(this.#identityKey),
      devicePublicKey,
      signature: signBinding({ network, devicePublicKey, challenge }, this.#identityKey),
      agent: 'scripted',
    } as const;
    this.sendRaw(this.options.hello?.(hello) ?? hello);
  }

  async #plan({ signed, stage, promptIds }: Extract<CoordinatorMessage, { type: 'plan' }>): Promise<void> {
    const { plan, signature } = signed;
    const { job, version } = plan;
    const mine = plan.stages[stage];
    const holds = mine?.worker === this.nodeId && mine.devicePublicKey === this.#devicePublicKey && plan.network === this.#network && mine.nonce !== null && this.nonces.has(mine.nonce);
    if (!holds || !(await verify(this.#coordinatorKey, planBytes(plan), signature))) {
      this.send({ type: 'stage-refused', job, version, code: 'bad-plan', message: 'not signed, or not for this worker' });
      return;
    }
    const host: StageHost = {
      nodeId: this.nodeId,
      send: (message) => this.send(message),
      sendFrame: (to, frame) => this.#sendFrame(to, frame),
      sign: (bytes) => this.sign(bytes),
      verify,
      signRoot: (root) => signJobRoot(root, this.#identityKey),
    };
    this.#giveNonces(1);
    const before = plan.prefix === undefined ? undefined : this.#stages.get(plan.prefix.job);
    if (plan.prefix !== undefined && plan.prefix.rebuilds !== stage && (this.options.forgets === true || before?.planHash !== plan.prefix.planHash)) {
      this.send({ type: 'stage-refused', job, version, code: 'prefix-gone', message: `job ${plan.prefix.job} is not kept here` });
      return;
    }
    this.#stages.set(job, new ScriptedStage(host, signed, stage, promptIds, this.options.misbehaviour ?? {}, before));
    this.send({ type: 'prepared', job, version });
  }

  #sendFrame(to: NodeId, frame: Frame): void {
    const layers = this.#layers === null ? 0 : this.#layers[1] - this.#layers[0];
    const ms = frame.kind === 'rows' || frame.kind === 'ids' ? (this.options.computeMs?.(frame, layers) ?? 0) : 0;
    const now = performance.now();
    this.#busyUntil = Math.max(now, this.#busyUntil) + ms;
    const pass = (): void => {
      for (const slice of slicesOf(encodeFrame(frame), ++this.#frameCount)) this.options.workers.get(to)?.receiveSlice(this.nodeId, slice);
    };
    if (ms === 0) setImmediate(pass);
    else setTimeout(pass, this.#busyUntil - now);
  }
}

async function verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> {
  const key = await webcrypto.subtle.importKey('raw', Uint8Array.from(fromHex(publicKey)), ECDSA, false, ['verify']);
  return webcrypto.subtle.verify(ECDSA, key, Uint8Array.from(fromHex(signature)), Uint8Array.from(bytes));
}
