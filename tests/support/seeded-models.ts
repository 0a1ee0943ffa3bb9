import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { ModelRegistry } from '../../signaling/src/models/model-registry.ts';
import { tinyLlamaGguf } from './tiny-llama.ts';
import type { CoordinatorModel } from '../../signaling/src/coordinator-models.ts';

/** Float32 weights of 44 MB that any device computes in no time: what such a model takes is its transport. */
const SHAPE = { layers: 8, hidden: 256, heads: 8, kvHeads: 4, feedForward: 1_536, context: 512, seed: 20_263 } as const;

/** A seeded model of 44 MB in this folder, and a registry that serves it alone. `path`: of its file. */
export async function seededModels(folder: string): Promise<{ readonly models: ModelRegistry; readonly model: CoordinatorModel; readonly path: string }> {
  const path = join(folder, 'seeded.gguf');
  await writeFile(path, tinyLlamaGguf(SHAPE));
  const exponents = new Int8Array((SHAPE.layers + 2) * SHAPE.hidden);
  const table = encodeCalibration({ version: 1, hidden: SHAPE.hidden, exponents, exponentsAtZero: exponents, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 });
  const models = new ModelRegistry({ cache: join(folder, 'cache'), calibrate: async () => table });
  return { models, model: await models.add(path), path };
}
