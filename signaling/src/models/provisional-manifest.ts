import type { ImportPlan } from '@ciro/core/model/import-plan.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** A manifest with no hashes and no calibration: enough for the weights and graphs that calibration itself needs. */
export function provisionalManifest(plan: ImportPlan): ModelManifest {
  return {
    format: 1,
    name: 'under-calibration',
    licence: '',
    file: { name: '', sha256: '', bytes: 0 },
    architecture: plan.architecture,
    shards: plan.shards.map((shard) => ({ ...shard, sha256: '' })),
    stopIds: [],
    calibration: { sha256: '', base64: '' },
  };
}
