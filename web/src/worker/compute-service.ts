import { Auditor } from '../audit/auditor.ts';
import { CreditBook } from '../audit/credit-book.ts';
import { HeadWatch } from '../audit/head-watch.ts';
import { SignatureVerifier, signWithDeviceKey } from '../pipeline/device-signature.ts';
import { sha256Digest } from '../pipeline/sha256-digest.ts';
import { StagePipeline } from '../pipeline/stage-pipeline.ts';
import { lossOf } from '../engine/engine-loss.ts';
import { measureHeldStage } from './held-stage-times.ts';
import { StageLoader } from './stage-loader.ts';
import { RunLog, WatchedStage } from './watched-stage.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Scores } from '@ciro/core/protocol/measured.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { AuditEngine, AuditEngineOrder } from '../audit/audit-ports.ts';
import type { EngineLoss } from '../engine/engine-loss.ts';
import type { Generated } from '../pipeline/stage-ports.ts';
import type { ComputeApi, ComputeConfig, ComputeHost, ComputeOrder, EngineChoice, LayerTimes, MeasuredProfile, RunProgress } from './compute-api.ts';
import type { ComputePlatform, LoadedStage, ModelSource, StageOrder } from './compute-platform.ts';

/** Weights, caches and rows of one tab when the page names no budget: the whole default model expands to 540 MB. */
export const DEFAULT_MEMORY_BUDGET_BYTES = 1024 * 1024 * 1024;

/** What there is once the page said who this worker is. */
interface Configured {
  readonly host: ComputeHost;
  readonly pipeline: StagePipeline;
  readonly loader: StageLoader;
  readonly auditor: Auditor;
  readonly heads: HeadWatch;
  readonly credits: CreditBook;
  readonly memoryBudgetBytes: number;
}

/** The dedicated worker behind `ComputeApi`: engine, shards, pipeline and audits put together. */
export class ComputeService implements ComputeApi {
  readonly #platform: ComputePlatform;
  readonly #links = new Map<NodeId, MessagePort>();
  readonly #verifier = new SignatureVerifier();
  readonly #log = new RunLog();
  #configured: Configured | undefined;
  #exchange: ModelSource['exchange'];
  #provider: MeasuredProfile['engine'] | undefined;
  /** Assignments that are being loaded. */
  #loading = 0;
  #peakBytes = 0;

  constructor(platform: ComputePlatform) {
    this.#platform = platform;
  }

  /** A second call (another network or coordinator key) ends the jobs and audits of the first; layers that are loaded stay loaded. */
  async configure(config: ComputeConfig, host: ComputeHost): Promise<void> {
    const before = this.#configured;
    this.#platform.configureEngine(config.engineBase, (message) => this.#lost({ code: 'device-lost', message }));
    this.#provider = config.engine ?? this.#provider;
    const source = this.#platform.modelSource(config.coordinatorBase);
    before?.loader.useSource(source);
    this.#exchange = source.exchange;
    const loader =
      before?.loader ??
      new StageLoader(source, { now: () => this.#platform.now(), loadStage: (order) => this.#loadStage(order), stageBytes: (manifest, shape, positions) => this.#platform.stageBytes(manifest, shape, positions) }, {
        report: (state) => this.#ready().host.send({ type: 'shards', ...state }),
        hold: (held) => this.#ready().pipeline.hold(held),
        memoryBudgetBytes: () => this.#ready().memoryBudgetBytes,
      });
    before?.auditor.forget();
    this.#configured = this.#assemble(config, host, loader);
    this.#exchange?.join({
      network: config.network,
      nodeId: config.nodeId,
      sign: (bytes) => signWithDeviceKey(config.deviceKey, bytes),
      verify: (publicKey, bytes, signature) => this.#verifier.verify(publicKey, bytes, signature),
      send: (message) => host.send(message),
      busy: () => (this.#configured?.pipeline.openJobs ?? 0) > 0,
      moved: (moved) => host.weights(moved),
    });
    await before?.pipeline.hold(undefined);
    await this.#configured.pipeline.hold(loader.held);
  }

  async join(): Promise<HexHash[]> {
    const { auditor, pipeline } = this.#ready();
    auditor.forget();
    pipeline.abandon();
    return pipeline.nonces.renew();
  }

  device(): Promise<string> {
    return this.#platform.device();
  }

  async measure(modelId: string, choice: EngineChoice): Promise<MeasuredProfile> {
    // Nothing stops a measurement but the end of this worker; it takes seconds.
    const { signal } = new AbortController();
    const { architecture } = await this.#ready().loader.manifest(modelId, signal);
    const profile = await this.#platform.measure(choice, architecture, signal);
    this.#provider = profile.engine;
    return profile;
  }

  async scores(): Promise<Scores | undefined> {
    const provider = this.#provider;
    return provider === undefined ? undefined : this.#platform.scores(provider, this.#whenIdle());
  }

  async retime(): Promise<LayerTimes | undefined> {
    const { loader } = this.#ready();
    const { held } = loader;
    if (held === undefined) return undefined;
    const { turn, mayGoOn } = this.#whenIdle();
    return measureHeldStage(held, { turn, mayGoOn: () => mayGoOn() && loader.held === held });
  }

  async assign(assignment: number, modelId: string, layers: readonly [number, number] | null, standby: boolean): Promise<void> {
    const { loader, auditor } = this.#ready();
    const wanted = layers === null ? null : { modelId: modelId as HexHash, from: layers[0], to: layers[1], provider: this.#provider ?? 'wasm' };
    if (wanted === null || loader.has(wanted)) return loader.assign(assignment, wanted);
    // The coordinator has nobody stand by whose budget does not hold an audit beside it, and audits go first.
    if (standby) return loader.assign(assignment, wanted);
    // What the new layers will take is not known yet; an audit is quickly done elsewhere.
    this.#loading++;
    auditor.makeWay();
    await loader.assign(assignment, wanted);
    if (--this.#loading === 0) this.#ready().auditor.accept();
  }

  async attachLink(peer: NodeId, port: MessagePort): Promise<void> {
    await this.detachLink(peer);
    this.#links.set(peer, port);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) this.#configured?.pipeline.handleFrame(peer, data);
    };
    this.#configured?.heads.greet(peer);
    this.#configured?.pipeline.handleLinkOpened(peer);
  }

  async detachLink(peer: NodeId): Promise<void> {
    this.#links.get(peer)?.close();
    this.#links.delete(peer);
    this.#configured?.pipeline.handleLinkClosed(peer);
  }

  async attachWeights(peer: NodeId, port: MessagePort): Promise<void> {
    this.#exchange?.attach(peer, port);
  }

  async detachWeights(peer: NodeId): Promise<void> {
    this.#exchange?.detach(peer);
  }

  plan(signed: SignedPlan, stage: number, promptIds: Uint8Array | null): Promise<void> {
    return this.#ready().pipeline.handlePlan(signed, stage, promptIds);
  }

  async start(job: JobId, version: number): Promise<void> {
    this.#ready().pipeline.handleStart(job, version);
  }

  finish(job: JobId, version: number, acceptedTo: number): Promise<void> {
    return this.#ready().pipeline.handleFinish(job, version, acceptedTo);
  }

  async order(message: ComputeOrder): Promise<void> {
    const { pipeline, auditor, heads, credits } = this.#ready();
    switch (message.type) {
      case 'reveal':
        return pipeline.after.reveal(message);
      case 'release':
        return pipeline.after.release(message);
      case 'forget':
        return pipeline.caches.forget(message.job, message.version);
      case 'supply':
        return pipeline.after.supply(message);
      case 'audit':
        return auditor.audit(message);
      case 'piece':
        return auditor.piece(message);
      case 'audit-open':
        return auditor.opening(message.audit);
      case 'audit-cancelled':
        return auditor.cancel(message.audit);
      case 'head':
        return heads.fromCoordinator(message.head);
      case 'credit':
        return credits.credited(message);
      case 'weights-givers':
        return this.#exchange?.givers(message);
    }
  }

  async dropAudits(): Promise<void> {
    this.#configured?.auditor.forget();
  }

  async progress(): Promise<RunProgress> {
    return this.#log.progress;
  }

  async memory(): Promise<{ heldBytes: number; peakBytes: number }> {
    const engine = this.#configured?.loader.held?.engine;
    const heldBytes = this.#jobBytes() + (this.#configured?.auditor.heldBytes ?? 0);
    this.#peakBytes = Math.max(this.#peakBytes, engine?.peakBytes ?? 0, heldBytes);
    return { heldBytes, peakBytes: this.#peakBytes };
  }

  async generated(): Promise<Generated> {
    return this.#configured?.pipeline.generated ?? { positions: 0, batched: 0, drafted: 0, accepted: 0 };
  }

  /** For what is measured when nothing else is to be done: piece by piece, and never beside jobs, loads or audits. */
  #whenIdle(): { turn<Result>(task: () => Promise<Result>): Promise<Result>; mayGoOn(): boolean } {
    const configured = this.#ready();
    const { pipeline, auditor } = configured;
    return { turn: (task) => pipeline.background(task), mayGoOn: () => this.#configured === configured && !pipeline.isBusy && this.#loading === 0 && !auditor.isBusy };
  }

  /** Bytes of the stage that is held, and of rows of its jobs. */
  #jobBytes(): number {
    return (this.#configured?.loader.held?.engine.heldBytes ?? 0) + (this.#configured?.pipeline.rowBytes ?? 0);
  }

  #assemble(config: ComputeConfig, host: ComputeHost, loader: StageLoader): Configured {
    const { network, nodeId, devicePublicKey, coordinatorPublicKey, deviceKey, coordinatorBase, maxBatchJobs, maxDrafts, memoryBudgetBytes = DEFAULT_MEMORY_BUDGET_BYTES } = config;
    const identity = { network, nodeId, devicePublicKey, coordinatorPublicKey, memoryBudgetBytes, ...(maxBatchJobs !== undefined && { maxBatchJobs }), ...(maxDrafts !== undefined && { maxDrafts }) };
    const verify = (publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> => this.#verifier.verify(publicKey, bytes, signature);
    const sendFrame = (peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean => {
      const port = this.#links.get(peer);
      port?.postMessage(frame, [frame.buffer]);
      return port !== undefined;
    };
    const edge = {
      digest: sha256Digest,
      sign: (bytes: Uint8Array) => signWithDeviceKey(deviceKey, bytes),
      randomHex: (bytes: number) => this.#platform.randomHex(bytes),
      now: () => this.#platform.now(),
    };
    const credits = new CreditBook((alarm) => host.alarm(alarm));
    const heads = new HeadWatch(
      {
        identity,
        verify,
        sendFrame,
        now: edge.now,
        links: (from, to) => this.#platform.links(coordinatorBase, from, to),
        peers: () => this.#links.keys(),
        keep: (head) => host.keepHead(head),
        alarm: (alarm) => host.alarm(alarm),
      },
      config.head,
    );
    const pipeline: StagePipeline = new StagePipeline(identity, {
      ...edge,
      verify,
      sendFrame,
      send: (message) => host.send(message),
      sendPiece: (message) => host.sendPiece(message),
      hasLink: (peer) => this.#links.has(peer),
      signRoot: (root) => host.signRoot(root),
      turn: () => this.#platform.turn(),
      wait: (milliseconds) => this.#platform.wait(milliseconds, new AbortController().signal),
      credit: credits,
      head: (peer, payload) => heads.fromNeighbour(peer, payload),
      auditBytes: (others) => auditor.bytesBeside(others),
      // What harms a job reaches the coordinator as `fault`; strangers' frames are only dropped.
      refused: () => undefined,
    });
    const auditor: Auditor = new Auditor({
      ...edge,
      identity,
      send: (message) => host.send(message),
      upload: (upload, signal) => pipeline.pieces.send(upload, signal),
      manifest: (modelId, signal) => loader.manifest(modelId, signal),
      engineBytes: (manifest, shape, positions) => this.#platform.stageBytes(manifest, shape, positions),
      load: (order) => this.#loadAuditStage(order, loader, pipeline),
      provider: () => this.#provider,
      jobBytes: (beside) => {
        pipeline.memory.makeWay(beside);
        return this.#jobBytes();
      },
      wait: (milliseconds, signal) => this.#platform.wait(milliseconds, signal),
      changed: (state) => host.auditing(state),
    });
    return { host, pipeline, loader, auditor, heads, credits, memoryBudgetBytes };
  }

  async #loadStage(order: StageOrder): Promise<LoadedStage> {
    try {
      return new WatchedStage(await this.#platform.loadStage(order), this.#log, (loss) => this.#lost(loss));
    } catch (error) {
      const loss = order.signal.aborted ? undefined : lossOf(error);
      if (loss !== undefined) this.#lost(loss);
      throw error;
    }
  }

  #lost(loss: EngineLoss): void {
    this.#configured?.host.engineLost(loss);
  }

  #loadAuditStage({ modelId, manifest, shape, provider, signal }: AuditEngineOrder, loader: StageLoader, pipeline: StagePipeline): Promise<AuditEngine> {
    const shards = async (name: string): Promise<Uint8Array> => {
      const shard = manifest.shards.find((each) => each.name === name);
      if (shard === undefined) throw new RangeError(`${manifest.name} has no shard ${name}`);
      return loader.shard(modelId, shard, signal);
    };
    return this.#platform.loadAuditStage({ manifest, shape, provider, signal, shards, turn: (task) => pipeline.background(task) });
  }

  #ready(): Configured {
    if (this.#configured === undefined) throw new TypeError('the compute worker has no configuration yet: call configure first');
    return this.#configured;
  }
}
