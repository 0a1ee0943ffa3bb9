/** Sessions of onnxruntime-node: the native library on the processor, or its WebGPU provider. Only the engine's own process imports it. */
import { createRequire } from 'node:module';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import type * as Ort from 'onnxruntime-web';
import type { CreateSession, StageSession } from '../stages-open.ts';

export type NativeProvider = 'cpu' | 'webgpu';

/** The part of the library that is used; it shares its interface with onnxruntime-web's. */
type Library = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;

/** `modulePath`: where `npmTool` found onnxruntime-node. */
export function nativeSessions(modulePath: string, provider: NativeProvider): CreateSession {
  const ort: Library = createRequire(import.meta.url)(modulePath);
  return async (graph, weight) => {
    // The native library reads external weights from files beside the model, not from memory.
    const parent = join(cacheFolder(), 'verification');
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, 'native-'));
    try {
      for (const { name } of graph.weights) {
        const values = weight(name);
        await writeFile(join(folder, name), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
      const model = join(folder, 'model.onnx');
      await writeFile(model, graph.bytes);
      const session = await ort.InferenceSession.create(model, { executionProviders: [provider], graphOptimizationLevel: 'all', logSeverityLevel: 3 });
      return sessionOf(ort, session);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
}

function sessionOf(ort: Library, session: Ort.InferenceSession): StageSession {
  return {
    async run(feeds) {
      const inputs: Record<string, Ort.Tensor> = {};
      for (const [name, { data, dims }] of Object.entries(feeds)) inputs[name] = data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int64', data, dims);
      const outputs: Record<string, Float32Array> = {};
      for (const [name, tensor] of Object.entries(await session.run(inputs))) {
        const data = await tensor.getData();
        if (data instanceof Float32Array) outputs[name] = data;
      }
      return outputs;
    },
    release: () => session.release(),
  };
}
