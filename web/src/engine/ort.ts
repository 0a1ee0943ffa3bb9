/**
 * The only file that imports onnxruntime-web. Each provider has its own build of the library, loaded when it is first used:
 * `wasm` the plain one (14 MB), `webgpu` a native WebGPU one. Creation and runs are serialised: the library runs one
 * session at a time per module, and interleaved calls fail.
 */
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { DeferredWeight } from './deferred-weight.ts';
import { GpuCache } from './gpu-cache.ts';
import type * as Ort from 'onnxruntime-web/wasm';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { Feeds, FeedTensor, JobCache, Outputs, SessionPort } from '@ciro/core/model/job-cache.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { BufferSession, BufferTensor } from './gpu-cache.ts';

export type Provider = 'wasm' | 'webgpu';

/** A loaded graph. `release` frees its weights; the library's own memory never shrinks, so end the worker to return that. */
export interface EngineSession extends SessionPort {
  readonly weightBytes: number;
  release(): Promise<void>;
}

type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** More threads are no faster on the machines measured, and one thread is what the reference run pins. */
const THREADS = 1;

let base: string | undefined;
let deviceLost: (message: string) => void = () => undefined;
/** Sessions that live on the GPU's device. */
let residentSessions = 0;
const watchedDevices = new WeakSet<GPUDevice>();
let queue: Promise<unknown> = Promise.resolve();
const modules = new Map<Provider, Promise<OrtModule>>();

/**
 * `base`: where the library lies, as a URL ending in a slash; its .mjs and .wasm files are in a folder named after its version. Unset, it
 * looks beside itself. `onDeviceLost` is told when the GPU takes its device away from sessions: they never run again.
 */
export function configureEngine(options: { readonly base: string; readonly onDeviceLost?: (message: string) => void }): void {
  base = options.base;
  deviceLost = options.onDeviceLost ?? deviceLost;
}

/** Creates a session; `weight(name)` gives each external weight's values and may reuse one buffer for all. */
export function createSession(provider: Provider, graph: Graph, weight: (name: string) => Float32Array): Promise<EngineSession> {
  return serialised(async () => {
    const ort = await load(provider);
    let weightBytes = 0;
    const externalData = graph.weights.map(({ name, dims }) => {
      const byteLength = 4 * dims.reduce((product, dim) => product * dim, 1);
      weightBytes += byteLength;
      return { path: name, data: new DeferredWeight(byteLength, () => weight(name)) };
    });
    // New keys and values stay on the GPU; everything else is read back.
    const resident = provider === 'webgpu' ? graph.outputs.filter((name) => name.startsWith('new_')) : [];
    const options = {
      ...sessionOptions(provider),
      externalData,
      ...(resident.length > 0 && { preferredOutputLocation: Object.fromEntries(graph.outputs.map((name) => [name, resident.includes(name) ? 'gpu-buffer' : 'cpu'] as const)) }),
    };
    try {
      const session = await ort.InferenceSession.create(graph.bytes, options);
      if (resident.length === 0) return new OrtSession(ort, session, weightBytes);
      const device = await ort.env.webgpu.device;
      watchDevice(device);
      return new ResidentSession(ort, session, weightBytes, device);
    } catch (cause) {
      throw failed(`The ${provider} provider could not load a graph of ${weightBytes} weight bytes`, cause);
    }
  });
}

class OrtSession implements EngineSession {
  readonly weightBytes: number;
  protected readonly ort: OrtModule;
  protected readonly session: Ort.InferenceSession;

  constructor(ort: OrtModule, session: Ort.InferenceSession, weightBytes: number) {
    this.ort = ort;
    this.session = session;
    this.weightBytes = weightBytes;
  }

  run(feeds: Feeds): Promise<Outputs> {
    return serialised(async () => readBack(await this.compute(feeds)));
  }

  protected async compute(feeds: Feeds, more: Readonly<Record<string, Ort.Tensor>> = {}): Promise<Ort.InferenceSession.OnnxValueMapType> {
    const inputs: Record<string, Ort.Tensor> = { ...more };
    for (const [name, feed] of Object.entries(feeds)) inputs[name] = this.#tensor(feed);
    try {
      return await this.session.run(inputs);
    } catch (cause) {
      throw failed('A run of the stage graph failed', cause);
    }
  }

  #tensor({ data, dims }: FeedTensor): Ort.Tensor {
    return data instanceof Float32Array ? new this.ort.Tensor('float32', data, dims) : new this.ort.Tensor('int64', data, dims);
  }

  release(): Promise<void> {
    return serialised(() => this.session.release());
  }
}

/** A WebGPU session of layers whose keys and values stay in GPU buffers. */
class ResidentSession extends OrtSession implements BufferSession {
  readonly device: GPUDevice;

  constructor(ort: OrtModule, session: Ort.InferenceSession, weightBytes: number, device: GPUDevice) {
    super(ort, session, weightBytes);
    this.device = device;
    residentSessions++;
  }

  override release(): Promise<void> {
    residentSessions--;
    return super.release();
  }

  openCache(architecture: Architecture, shape: StageShape, maxPositions: number): JobCache {
    return new GpuCache(this, architecture, shape, maxPositions);
  }

  runWithBuffers(
    feeds: Feeds,
    buffers: Readonly<Record<string, BufferTensor>>,
    keep: (outputs: Readonly<Record<string, GPUBuffer>>) => void,
  ): Promise<Outputs> {
    return serialised(async () => {
      const inputs = Object.entries(buffers).map(([name, { buffer, dims }]) => [name, this.ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims })] as const);
      const outputs = await this.compute(feeds, Object.fromEntries(inputs));
      const resident = Object.entries(outputs).filter(([, tensor]) => tensor.location === 'gpu-buffer');
      try {
        keep(Object.fromEntries(resident.map(([name, tensor]) => [name, tensor.gpuBuffer])));
        return readBack(outputs);
      } finally {
        for (const [, tensor] of resident) tensor.dispose();
      }
    });
  }
}

/** A device that no session uses may go, as the library's own does with its last session. */
function watchDevice(device: GPUDevice): void {
  if (watchedDevices.has(device)) return;
  watchedDevices.add(device);
  void device.lost.then(({ reason, message }) => {
    if (residentSessions > 0) deviceLost(`The graphics device is lost (${reason}): ${message}`);
  });
}

/** The float32 outputs that are in the processor's memory. */
function readBack(tensors: Ort.InferenceSession.OnnxValueMapType): Outputs {
  const outputs: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.location === 'cpu' && tensor.data instanceof Float32Array) outputs[name] = tensor.data;
  }
  return outputs;
}

function sessionOptions(provider: Provider): Ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    // Capacity and token count change the shapes; per-shape plans and arenas would grow with a job.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}

function load(provider: Provider): Promise<OrtModule> {
  const known = modules.get(provider);
  if (known) return known;
  const ready = build(provider).then((ort) => {
    ort.env.wasm.numThreads = THREADS;
    ort.env.logLevel = 'error';
    // The build keeps one folder per version, so that its files can be cached for ever.
    if (base !== undefined) ort.env.wasm.wasmPaths = `${base}${ort.env.versions.web}/`;
    return ort;
  });
  modules.set(provider, ready);
  return ready;
}

/** The GPU build that suspends by JSPI where the browser can: 17 MB instead of 27, the same bits (measured). */
function build(provider: Provider): Promise<OrtModule> {
  if (provider === 'wasm') return import('onnxruntime-web/wasm');
  return 'Suspending' in WebAssembly ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu');
}

function serialised<Result>(task: () => Promise<Result>): Promise<Result> {
  const result = queue.then(task);
  queue = result.catch(() => undefined);
  return result;
}

function failed(what: string, cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EngineError('session-failed', `${what}: ${reason}. Restart the compute worker.`, { fault: 'platform', fields: { reason }, cause });
}
