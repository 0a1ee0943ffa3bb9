import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { importModel } from './import-model.ts';
import { ModelsError } from './models-error.ts';
import { readShard, streamShard } from './shard-reader.ts';
import type { Readable } from 'node:stream';
import type { ModelManifest, Shard } from '@ciro/core/model/manifest.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { ImportOptions, ImportedModel } from './import-model.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Name under which the first model is served besides its own. */
export const DEFAULT_ALIAS = 'default';

/** A model that this coordinator serves: manifest, text functions, and its file's bytes by shard. */
export class ServedModel {
  /** Hash of the manifest. */
  readonly id: string;
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** The GGUF file. */
  readonly path: string;
  readonly #shards: ReadonlyMap<string, Shard>;

  constructor(imported: ImportedModel) {
    this.manifest = imported.manifest;
    this.id = modelIdOf(imported.manifest);
    this.tokenizer = imported.tokenizer;
    this.template = imported.template;
    this.path = imported.path;
    this.#shards = new Map(imported.manifest.shards.map((shard) => [shard.sha256, shard]));
  }

  get name(): string {
    return this.manifest.name;
  }

  /** The shard with this hash, or undefined. */
  shard(sha256: string): Shard | undefined {
    return this.#shards.get(sha256);
  }

  /** All bytes of a shard. Throws ModelsError `unknown-shard`. */
  readShard(sha256: string): Promise<Uint8Array> {
    return readShard(this.path, this.#known(sha256));
  }

  /** Bytes `[from, to)` of a shard as a stream. Throws ModelsError `unknown-shard` or `bad-range`. */
  streamShard(sha256: string, from?: number, to?: number): Readable {
    return streamShard(this.path, this.#known(sha256), from, to);
  }

  #known(sha256: string): Shard {
    const shard = this.shard(sha256);
    if (shard !== undefined) return shard;
    throw new ModelsError('unknown-shard', `Model ${this.name} has no shard with SHA-256 ${sha256.slice(0, 64)}. Load its manifest again.`, {
      fault: 'user',
      fields: { sha256, model: this.id },
    });
  }
}

/** The models of one coordinator. The first one added is also called `default`. */
export class ModelRegistry {
  readonly #options: ImportOptions;
  readonly #models: ServedModel[] = [];

  constructor(options: ImportOptions = {}) {
    this.#options = options;
  }

  /** In the order they were added. */
  list(): readonly ServedModel[] {
    return this.#models;
  }

  /** By name, id or `default`. */
  get(nameOrId: string): ServedModel | undefined {
    if (nameOrId === DEFAULT_ALIAS) return this.#models[0];
    return this.#models.find((model) => model.id === nameOrId || model.name === nameOrId);
  }

  /** The model that has a shard with this hash; equal shards of two models are the same bytes. */
  withShard(sha256: string): ServedModel | undefined {
    return this.#models.find((model) => model.shard(sha256) !== undefined);
  }

  /**
   * Imports a GGUF file and serves it. A file that is served already is not served twice.
   * Throws what `importModel` throws, and ModelsError `name-taken` for another file of the same name.
   */
  async add(path: string, options: ImportOptions = {}): Promise<ServedModel> {
    const model = new ServedModel(await importModel(path, { ...this.#options, ...options }));
    const sameName = this.get(model.name);
    if (sameName?.id === model.id) return sameName;
    if (sameName !== undefined || model.name === DEFAULT_ALIAS) {
      throw new ModelsError('name-taken', `Another model is already served as ${model.name}. Rename the file ${path}.`, {
        fault: 'user',
        fields: { name: model.name, path },
      });
    }
    this.#models.push(model);
    return model;
  }
}
