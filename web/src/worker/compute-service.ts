import { LEAF_SALT_BYTES } from '@ciro/core/commitment/leaf.ts';
import { SignatureVerifier, signWithDeviceKey } from '../pipeline/device-signature.ts';
import { sha256Digest } from '../pipeline/sha256-digest.ts';
import { StagePipeline } from '../pipeline/stage-pipeline.ts';
import { StageLoader } from './stage-loader.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { ComputeApi, ComputeConfig, ComputeHost, EngineChoice, MeasuredProfile } from './compute-api.ts';
import type { ComputePlatform } from './compute-platform.ts';

/** Weights, caches and rows of one tab when the page names no budget: the whole default model expands to 540 MB. */
export const DEFAULT_MEMORY_BUDGET_BYTES = 1024 * 1024 * 1024;

/** What there is once the page said who this worker is. */
interface Configured {
  readonly host: ComputeHost;
  readonly pipeline: StagePipeline;
  readonly loader: StageLoader;
}

/** The dedicated worker behind `ComputeApi`: engine, shards and pipeline put together. */
export class ComputeService implements ComputeApi {
  readonly #platform: ComputePlatform;
  readonly #links = new Map<NodeId, MessagePort>();
  readonly #verifier = new SignatureVerifier();
  #configured: Configured | undefined;
  #provider: MeasuredProfile['engine'] = 'wasm';

  constructor(platform: ComputePlatform) {
    this.#platform = platform;
  }

  /** A second call (another network or coordinator key) ends the jobs of the first; layers that are loaded stay loaded. */
  async configure(config: ComputeConfig, host: ComputeHost): Promise<void> {
    const before = this.#configured;
    this.#platform.configureEngine(config.engineBase);
    const source = this.#platform.modelSource(config.coordinatorBase);
    before?.loader.useSource(source);
    const loader =
      before?.loader ??
      new StageLoader(source, this.#platform, {
        report: (state) => this.#ready().host.send({ type: 'shards', ...state }),
        hold: (held) => this.#ready().pipeline.hold(held),
      });
    const pipeline = this.#newPipeline(config, host);
    this.#configured = { host, pipeline, loader };
    await before?.pipeline.hold(undefined);
    await pipeline.hold(loader.held);
  }

  async measure(modelId: string, choice: EngineChoice): Promise<MeasuredProfile> {
    // Nothing stops a measurement but the end of this worker; it takes seconds.
    const { signal } = new AbortController();
    const { architecture } = await this.#ready().loader.manifest(modelId, signal);
    const profile = await this.#platform.measure(choice, architecture, signal);
    this.#provider = profile.engine;
    return profile;
  }

  assign(assignment: number, modelId: string, layers: readonly [number, number] | null): Promise<void> {
    const wanted = layers === null ? null : { modelId: modelId as HexHash, from: layers[0], to: layers[1], provider: this.#provider };
    return this.#ready().loader.assign(assignment, wanted);
  }

  async attachLink(peer: NodeId, port: MessagePort): Promise<void> {
    await this.detachLink(peer);
    this.#links.set(peer, port);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) this.#configured?.pipeline.handleFrame(peer, data);
    };
  }

  async detachLink(peer: NodeId): Promise<void> {
    this.#links.get(peer)?.close();
    this.#links.delete(peer);
    this.#configured?.pipeline.handleLinkClosed(peer);
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

  async memory(): Promise<{ heldBytes: number; peakBytes: number }> {
    const engine = this.#configured?.loader.held?.engine;
    return { heldBytes: engine?.heldBytes ?? 0, peakBytes: engine?.peakBytes ?? 0 };
  }

  #newPipeline(config: ComputeConfig, host: ComputeHost): StagePipeline {
    const { network, nodeId, devicePublicKey, coordinatorPublicKey, deviceKey, memoryBudgetBytes = DEFAULT_MEMORY_BUDGET_BYTES } = config;
    const identity = { network, nodeId, devicePublicKey, coordinatorPublicKey, memoryBudgetBytes };
    return new StagePipeline(identity, {
      send: (message) => host.send(message),
      sendFrame: (peer, frame) => {
        const port = this.#links.get(peer);
        port?.postMessage(frame, [frame.buffer]);
        return port !== undefined;
      },
      hasLink: (peer) => this.#links.has(peer),
      digest: sha256Digest,
      sign: (bytes) => signWithDeviceKey(deviceKey, bytes),
      verify: (publicKey, bytes, signature) => this.#verifier.verify(publicKey, bytes, signature),
      signRoot: (root) => host.signRoot(root),
      salt: () => this.#platform.randomHex(LEAF_SALT_BYTES),
      now: () => this.#platform.now(),
      turn: () => this.#platform.turn(),
      // What harms a job reaches the coordinator as `fault`; strangers' frames are only dropped.
      refused: () => undefined,
    });
  }

  #ready(): Configured {
    if (this.#configured === undefined) throw new TypeError('the compute worker has no configuration yet: call configure first');
    return this.#configured;
  }
}
