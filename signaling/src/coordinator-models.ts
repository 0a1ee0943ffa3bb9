import * as v from 'valibot';
import { HexHash } from '@ciro/core/ids.ts';
import { CoordinatorError } from './coordinator-options.ts';
import { chunkHashesOf } from './models/chunk-hashes.ts';
import { publicFileOf } from './models/public-files.ts';
import type { ShardedModel } from './edge/models-routes.ts';
import type { ChatModel } from './intake/ports.ts';
import type { Models } from './scheduler/models-port.ts';

/** The served models, the default first; `ModelRegistry` is one. */
export interface CoordinatorModels {
  list(): readonly CoordinatorModel[];
  get(nameOrId: string): CoordinatorModel | undefined;
}
export type CoordinatorModel = ShardedModel &
  Pick<ChatModel, 'tokenizer'> & {
    /** `source`: as it stands in the model file. */
    readonly template: ChatModel['template'] & { readonly source: string };
    /** The model file, for the reference run. */
    readonly path: string;
  };

export function evidenceModel(model: CoordinatorModel | undefined) {
  return model === undefined ? undefined : { manifest: model.manifest, template: model.template.source };
}

export function schedulerModels(models: CoordinatorModels): Models {
  const branded = (model: CoordinatorModel) => ({ id: v.parse(HexHash, model.id), manifest: model.manifest });
  return {
    default() {
      const [first] = models.list();
      if (first === undefined) throw new CoordinatorError('no-model', 'the last model is gone; import one', { fault: 'bug' });
      return branded(first);
    },
    get(id) {
      const model = models.get(id);
      return model === undefined ? undefined : branded(model);
    },
  };
}

export function weightsModels(models: CoordinatorModels, publicFiles: readonly string[]) {
  return {
    manifest: (id: string) => models.get(id)?.manifest,
    async chunkHashes(id: string, shard: string): Promise<Uint8Array> {
      const model = models.get(id);
      return model === undefined ? new Uint8Array(0) : chunkHashesOf(model, shard);
    },
    publicUrl(id: string): string | undefined {
      const model = models.get(id);
      return model === undefined ? undefined : publicFileOf(model.manifest, publicFiles);
    },
  };
}

export function chatModels(models: CoordinatorModels) {
  const branded = ({ id, manifest, tokenizer, template }: CoordinatorModel): ChatModel => ({ id: v.parse(HexHash, id), manifest, tokenizer, template });
  return {
    list: () => models.list().map(branded),
    get(nameOrId: string) {
      const model = models.get(nameOrId);
      return model === undefined ? undefined : branded(model);
    },
  };
}
