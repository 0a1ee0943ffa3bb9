import { EngineError } from './engine-error.ts';
import { dequantiseRows } from './quantisation/dequantise.ts';
import type { ModelManifest, ShardTensor } from './manifest.ts';

/** Looks token rows up in the quantised embedding shard: the same float32 as the expanded matrix at a quarter of its memory. */
export class EmbeddingTable {
  readonly #tensor: ShardTensor;
  readonly #bytes: Uint8Array;
  readonly #hidden: number;
  readonly #vocabulary: number;

  /** `shard` holds the bytes of the manifest's `embedding` shard. Throws EngineError `missing-tensor`. */
  constructor(manifest: ModelManifest, shard: Uint8Array) {
    const tensor = manifest.shards.find((each) => each.name === 'embedding')?.tensors.find((each) => each.name === 'token_embd.weight');
    if (!tensor) {
      throw new EngineError('missing-tensor', `The manifest of ${manifest.name} has no token_embd.weight; import the model again.`, { fault: 'bug' });
    }
    this.#tensor = tensor;
    this.#bytes = shard.subarray(tensor.offset, tensor.offset + tensor.bytes);
    this.#hidden = manifest.architecture.hidden;
    this.#vocabulary = manifest.architecture.vocabulary;
  }

  /** Rows [ids.length, d]. Throws EngineError `bad-input` for an id outside the vocabulary. */
  rows(ids: Uint32Array): Float32Array {
    const out = new Float32Array(ids.length * this.#hidden);
    ids.forEach((id, i) => {
      if (id >= this.#vocabulary) {
        throw new EngineError('bad-input', `Token id ${id} is outside the vocabulary of ${this.#vocabulary}; tokenise with this model's tokenizer.`, {
          fault: 'user',
          fields: { id, vocabulary: this.#vocabulary },
        });
      }
      dequantiseRows(this.#tensor.type, this.#bytes, this.#hidden, id, 1, out.subarray(i * this.#hidden, (i + 1) * this.#hidden));
    });
    return out;
  }

  get heldBytes(): number {
    return this.#bytes.length;
  }
}
