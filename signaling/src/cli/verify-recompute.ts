import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { openReferenceHead, openReferenceLayers } from '../models/reference-run.ts';
import { readShard } from '../models/shard-reader.ts';
import type { RecomputePort } from '@ciro/core/evidence/recompute.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { ReferenceHead } from '../models/reference-run.ts';

/**
 * The reference run for `verify --recompute` (PROTOCOL 4), one layer's weights held at a time. For a process that ends after it:
 * the library gives its memory back only then.
 */
export class ReferenceRecompute implements RecomputePort {
  readonly #manifest: ModelManifest;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #onStep: (what: string) => void;
  #head: ReferenceHead | undefined;

  /** `onStep` is told what is under way, for a person. */
  constructor(manifest: ModelManifest, path: string, options: { readonly signal: AbortSignal; readonly onStep?: (what: string) => void }) {
    this.#manifest = manifest;
    this.#path = path;
    this.#signal = options.signal;
    this.#onStep = options.onStep ?? (() => undefined);
  }

  async rows({ from, to, embeds, heads }: StageShape, inputs: Uint32Array | Float32Array): Promise<Float32Array> {
    let rows = embeds ? new EmbeddingTable(this.#manifest, await this.#shard('embedding')).rows(Uint32Array.from(inputs)) : Float32Array.from(inputs);
    for (let layer = from; layer < to; layer++) {
      this.#onStep(`layer ${layer + 1} of ${this.#manifest.architecture.layers}`);
      rows = await this.#run({ from: layer, to: layer + 1, embeds: false, heads: false }, rows);
    }
    return heads ? this.#run({ from: to, to, embeds: false, heads: true }, rows) : rows;
  }

  async logits(row: Float32Array): Promise<Float32Array> {
    this.#signal.throwIfAborted();
    this.#onStep('ids of the answer');
    this.#head ??= await openReferenceHead(this.#manifest, (name) => this.#shard(name));
    return this.#head.logits(row);
  }

  async #run(shape: StageShape & { readonly embeds: false }, rows: Float32Array): Promise<Float32Array> {
    this.#signal.throwIfAborted();
    const layers = await openReferenceLayers(this.#manifest, (name) => this.#shard(name), shape);
    try {
      const [out = new Float32Array(0)] = await layers.run([rows]);
      return out;
    } finally {
      await layers.release();
    }
  }

  async #shard(name: string): Promise<Uint8Array> {
    const shard = this.#manifest.shards.find((each) => each.name === name);
    if (shard === undefined) throw new RangeError(`the manifest has no shard ${name}`);
    return readShard(this.#path, shard);
  }
}
