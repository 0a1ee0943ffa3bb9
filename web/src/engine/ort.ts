/**
 * The only file that imports onnxruntime-web. Each provider has its own build of the library, loaded when it is first used:
 * `wasm` the plain one (14 MB), `webgpu` the native WebGPU one. Creation and runs are serialised: the library runs one
 * session at a time per module, and interleaved calls fail.
 */
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { DeferredWeight } from './deferred-weight.ts';
import type * as Ort from 'onnxruntime-web/wasm';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { FeedTensor, SessionPort } from '@ciro/core/model/stage-runner.ts';

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
let queue: Promise<unknown> = Promise.resolve();
const modules = new Map<Provider, Promise<OrtModule>>();

/** Where the library lies, as a URL ending in a slash: its .mjs and .wasm files are in a folder named after its version. Unset, it looks beside itself. */
export function configureEngine(options: { readonly base: string }): void {
  base = options.base;
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
    try {
      const session = await ort.InferenceSession.create(graph.bytes, { ...sessionOptions(provider), externalData });
      return new OrtSession(ort, session, weightBytes);
    } catch (cause) {
      throw failed(`The ${provider} provider could not load a graph of ${weightBytes} weight bytes`, cause);
    }
  });
}

class OrtSession implements EngineSession {
  readonly weightBytes: number;
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;

  constructor(ort: OrtModule, session: Ort.InferenceSession, weightBytes: number) {
    this.#ort = ort;
    this.#session = session;
    this.weightBytes = weightBytes;
  }

  run(feeds: Readonly<Record<string, FeedTensor>>): Promise<Record<string, Float32Array>> {
    return serialised(async () => {
      const inputs: Record<string, Ort.Tensor> = {};
      for (const [name, { data, dims }] of Object.entries(feeds)) {
        inputs[name] = data instanceof Float32Array ? new this.#ort.Tensor('float32', data, dims) : new this.#ort.Tensor('int64', data, dims);
      }
      try {
        const outputs: Record<string, Float32Array> = {};
        for (const [name, tensor] of Object.entries(await this.#session.run(inputs))) {
          if (tensor.data instanceof Float32Array) outputs[name] = tensor.data;
        }
        return outputs;
      } catch (cause) {
        throw failed('A run of the stage graph failed', cause);
      }
    });
  }

  release(): Promise<void> {
    return serialised(() => this.#session.release());
  }
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
  const loading: Promise<OrtModule> = provider === 'wasm' ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu');
  const ready = loading.then((ort) => {
    ort.env.wasm.numThreads = THREADS;
    ort.env.logLevel = 'error';
    // The build keeps one folder per version, so that its files can be cached for ever.
    if (base !== undefined) ort.env.wasm.wasmPaths = `${base}${ort.env.versions.web}/`;
    return ort;
  });
  modules.set(provider, ready);
  return ready;
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
