/** Stages in this process: WASM, one thread, batch 1. What references and cheats are computed with. */
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { openStageWith } from './stages-open.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { CreateSession, OpenStage, StageOptions, StageSource } from './stages-open.ts';

export type { CreateSession, OpenStage, RunOptions, StageOptions, StageSession, StageSource } from './stages-open.ts';

/** Opens a stage of a model; nothing in `options`: the reference. `create`: other sessions than the coordinator's WASM. */
export function openStage(model: StageSource, shape: StageShape, options: StageOptions & { readonly create?: CreateSession } = {}): Promise<OpenStage> {
  return openStageWith(options.create ?? createReferenceSession, model, shape, options);
}
