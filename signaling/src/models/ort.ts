/**
 * The only file of the coordinator that imports onnxruntime-web: the same WebAssembly build that the tabs run, in Node.
 * It is used for the reference run (one thread, batch 1), never for serving. Its memory is only given back when its
 * process ends, so callers run it in a child process.
 */
import * as ort from 'onnxruntime-web';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { FeedTensor, SessionPort } from '@ciro/core/model/job-cache.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** A loaded graph. */
export interface ReferenceSession extends SessionPort {
  /** Frees the weights inside the library. */
  release(): Promise<void>;
}

/** Loads a graph; `weight(name)` gives each external weight's float32 values and may reuse one buffer for all. */
export async function createReferenceSession(graph: Graph, weight: (name: string) => Float32Array): Promise<ReferenceSession> {
  const externalData = graph.weights.map(({ name }) => {
    const values = weight(name);
    return { path: name, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice() };
  });
  const session = await ort.InferenceSession.create(graph.bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    // As in the tabs: shapes change with every chunk, so plans and arenas would only grow.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    externalData,
  });
  return {
    async run(feeds) {
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
      const results = await session.run(inputs);
      const outputs: Record<string, Float32Array> = {};
      for (const [name, tensor] of Object.entries(results)) {
        if (tensor.data instanceof Float32Array) outputs[name] = tensor.data;
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

function tensorOf({ data, dims }: FeedTensor): ort.Tensor {
  return data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int64', data, dims);
}
