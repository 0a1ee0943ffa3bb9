import { stageShape } from '@ciro/core/model/architecture.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { calibrationOf } from '@ciro/core/model/parse-manifest.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { StageEngine } from '@ciro/web/engine/stage-engine.ts';
import { DEFAULT_MODEL_PATH } from './default-model.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { HeldStage } from '@ciro/web/pipeline/stage-ports.ts';

/** Layers of three stages of the default model. */
export const THREE_STAGES = [[0, 10], [10, 20], [20, 30]] as const;

/** A stage as a worker holds it, with the real engine. */
export type LoadedStage = HeldStage & { readonly engine: StageEngine };

/** The default model in three stages on WASM, as workers hold them. Whoever loads them disposes their engines. */
export async function loadDefaultStages(): Promise<Pick<Awaited<ReturnType<typeof importModel>>, 'manifest' | 'tokenizer'> & { readonly held: readonly LoadedStage[] }> {
  const path = DEFAULT_MODEL_PATH ?? '';
  const { manifest, tokenizer } = await importModel(path);
  const { architecture } = manifest;
  const shards = async (name: string): Promise<Uint8Array> => {
    const shard = manifest.shards.find((each) => each.name === name);
    if (shard === undefined) throw new RangeError(`no shard ${name}`);
    return readShard(path, shard);
  };
  const held: LoadedStage[] = [];
  for (const [from, to] of THREE_STAGES) {
    const shape = stageShape({ from, to }, architecture.layers);
    held.push({ engine: await StageEngine.load({ manifest, shape, shards, provider: 'wasm', signal: new AbortController().signal }), modelId: modelIdOf(manifest) as HexHash, architecture, shape, calibration: calibrationOf(manifest) });
  }
  return { manifest, tokenizer, held };
}
