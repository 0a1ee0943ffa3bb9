import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import { tinyLlamaGguf } from '../../tests/support/tiny-llama.ts';
import type { WriterTensor } from '../../tests/support/gguf-writer.ts';

/** Raised when anything below changes what is written: the file's name carries it. */
const RECIPE = 1;

/** Seed of the weights. */
export const SEEDED_MODEL_SEED = 20_251_122;
const LAYERS = 12;
const HIDDEN = 320;
const HEADS = 10;
const KEY_HEADS = 2;
const FEED_FORWARD = 768;

/** Channels that every layer writes thirty times as large as the others, as trained models have a few. */
const OUTLIER_CHANNELS: readonly number[] = [17, 64, 131, 258, 303];
const OUTLIER_FACTOR = 30;

/** The file's BOS token. It stands at position 0 only, and carries two massive values through all layers. */
export const SEEDED_FIRST_ID = 0;
/** Ids below are control tokens. */
export const SEEDED_PLAIN_ID_MIN = 3;
/** About what SmolLM2 reaches (24,827), in units of the ordinary channels' rms: 4,000 over 1 to 3. */
const MASSIVE_VALUES: ReadonlyMap<number, number> = new Map([[7, 4_000], [200, -2_500]]);

/**
 * Path of a made-up llama file in the cache, written at the first call: other width, other head counts than the default
 * model, an untied head, outlier channels, a massive first position. 48 MB of float32, the same bytes on every machine.
 */
export async function seededModelFile(): Promise<string> {
  const folder = join(cacheFolder(), 'verification');
  const path = join(folder, `seeded-llama-${RECIPE}.gguf`);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, seededModelBytes());
  await rename(draft, path);
  return path;
}

function seededModelBytes(): Uint8Array {
  return tinyLlamaGguf({
    layers: LAYERS,
    hidden: HIDDEN,
    heads: HEADS,
    kvHeads: KEY_HEADS,
    feedForward: FEED_FORWARD,
    tiedHead: false,
    seed: SEEDED_MODEL_SEED,
    metadata: {
      'general.name': { key: 'general.name', type: 'STRING', value: 'Seeded Llama' },
      'tokenizer.ggml.bos_token_id': { key: 'tokenizer.ggml.bos_token_id', type: 'UINT32', value: SEEDED_FIRST_ID },
      'tokenizer.ggml.add_bos_token': { key: 'tokenizer.ggml.add_bos_token', type: 'BOOL', value: true },
    },
    tensors: (all) => all.map(shaped),
  });
}

/** A tensor with the outliers and the massive first token written into it. */
function shaped(tensor: WriterTensor): WriterTensor {
  const values = new Float32Array(tensor.data.slice().buffer);
  const width = Number(tensor.dims[0]);
  if (tensor.name === 'token_embd.weight') {
    for (let row = 0; row < values.length; row += width) for (const channel of OUTLIER_CHANNELS) values[row + channel] = (values[row + channel] ?? 0) * OUTLIER_FACTOR;
    for (const [channel, value] of MASSIVE_VALUES) values[SEEDED_FIRST_ID * width + channel] = value;
  } else if (/ffn_down|attn_output/.test(tensor.name)) {
    // A row of these makes one channel of the residual stream.
    for (const channel of OUTLIER_CHANNELS) for (let k = 0; k < width; k++) values[channel * width + k] = (values[channel * width + k] ?? 0) * OUTLIER_FACTOR;
  } else {
    return tensor;
  }
  return { ...tensor, data: new Uint8Array(values.buffer) };
}
