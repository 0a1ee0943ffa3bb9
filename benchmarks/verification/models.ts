/** The two models that verification is measured on, ready to run in three stages. */
import { fromBase64 } from '@ciro/core/bytes.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { fetchDefaultModel } from '@ciro/signaling/models/fetch-default-model.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { seededModelFile } from './models-seeded.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';
import type { ChatTemplate } from '@ciro/signaling/models/chat-template.ts';
import type { Tokenizer } from '@ciro/signaling/models/tokenizer.ts';

export const MODEL_KEYS = ['smollm2', 'seeded'] as const;
export type ModelKey = (typeof MODEL_KEYS)[number];

/** The default cut: thirds. */
export const STAGE_NAMES = ['first', 'middle', 'last'] as const;
export type StageIndex = 0 | 1 | 2;
export const STAGES: readonly StageIndex[] = [0, 1, 2];

export interface BenchStage {
  readonly index: StageIndex;
  readonly name: (typeof STAGE_NAMES)[number];
  readonly shape: StageShape;
  /** Boundary of its payload in the calibration table: the last layer's output, or the final norm. */
  readonly boundary: number;
  /** Its payload rows carry ids. */
  readonly last: boolean;
}

export interface BenchModel {
  readonly key: ModelKey;
  readonly id: HexHash;
  readonly path: string;
  readonly manifest: ModelManifest;
  readonly table: CalibrationTable;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly stages: readonly [BenchStage, BenchStage, BenchStage];
  /** Bytes of a shard by name. */
  readonly shard: (name: string) => Promise<Uint8Array>;
}

/** Loads a model's manifest with its calibration; the first time, SmolLM2 is fetched and the seeded model written and calibrated. */
export async function loadModel(key: ModelKey, signal?: AbortSignal): Promise<BenchModel> {
  const path = key === 'smollm2' ? await fetchDefaultModel({ signal }) : await seededModelFile();
  const { manifest, tokenizer, template } = await importModel(path, { signal });
  const { layers } = manifest.architecture;
  const stage = (index: StageIndex): BenchStage => {
    const [from, to] = [Math.round((layers * index) / 3), Math.round((layers * (index + 1)) / 3)];
    const last = index === 2;
    return { index, name: STAGE_NAMES[index], shape: { from, to, embeds: index === 0, heads: last }, boundary: last ? layers + 1 : to, last };
  };
  return {
    key,
    id: modelIdOf(manifest) as HexHash,
    path,
    manifest,
    table: decodeCalibration(fromBase64(manifest.calibration.base64)),
    tokenizer,
    template,
    stages: [stage(0), stage(1), stage(2)],
    shard: (name) => {
      const shard = manifest.shards.find((each) => each.name === name);
      if (shard === undefined) throw new RangeError(`${manifest.name} has no shard ${name}`);
      return readShard(path, shard);
    },
  };
}
