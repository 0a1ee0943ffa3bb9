import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import { writeGgufHeader } from '../../tests/support/gguf-writer.ts';
import { llamaMetadata, llamaVocabulary } from '../../tests/support/tiny-llama.ts';
import { matrixBytes, seededGains, seededMatrix } from './seeded-weights.ts';
import type { LlamaVocabulary, TinyLlama } from '../../tests/support/tiny-llama.ts';

/** Raised when anything about the weights changes: the file's name carries it. */
const RECIPE = 1;
/** Seed of the weights. */
export const LARGE_SEED = 20_261_130;

/** Sizes of a seeded Llama. */
export interface LargeShape extends Pick<TinyLlama, 'layers' | 'hidden' | 'heads' | 'kvHeads' | 'feedForward' | 'context'> {
  readonly vocabulary: number;
}

export const LARGE_SHAPES = {
  /** 917 million parameters: 3.67 GB of float32, 0.98 GB in the file. A layer is 99 MB, the head 101. */
  large: { layers: 35, hidden: 1_536, heads: 24, kvHeads: 6, feedForward: 4_096, context: 2_048, vocabulary: 16_384 },
  /** 115 million, for a first try: a layer is 11 MB, the head 33. */
  small: { layers: 35, hidden: 512, heads: 8, kvHeads: 2, feedForward: 1_408, context: 2_048, vocabulary: 16_384 },
} as const satisfies Record<string, LargeShape>;
export type LargeSize = keyof typeof LARGE_SHAPES;

/** A tensor and what its values are. */
interface SeededTensor {
  readonly name: string;
  readonly dims: readonly [number] | readonly [number, number];
}

/** Parameters of a model: its elements in all tensors. */
export const parametersOf = (shape: LargeShape): number => tensorsOf(shape).reduce((sum, { dims }) => sum + dims.reduce((product: number, size) => product * size, 1), 0);

/** Path of the seeded model in the cache; written at the first call, tensor by tensor, the same bytes on every machine. */
export async function largeModelFile(size: LargeSize, signal: AbortSignal): Promise<string> {
  const shape = LARGE_SHAPES[size];
  const folder = join(cacheFolder(), 'large');
  const path = join(folder, `seeded-${size}-${RECIPE}.gguf`);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${process.pid}`;
  try {
    await writeModel(draft, shape, signal);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return path;
}

async function writeModel(path: string, shape: LargeShape, signal: AbortSignal): Promise<void> {
  const tensors = tensorsOf(shape);
  // All sizes are whole multiples of the alignment, so nothing lies between two tensors.
  const header = writeGgufHeader({
    metadata: [...llamaMetadata(shape, largeVocabulary(shape.vocabulary)).map((entry) => (entry.key === 'general.name' ? { ...entry, value: 'Seeded Llama' } : entry))],
    tensors: tensors.map(({ name, dims }) => (dims.length === 1 ? { name, dims, type: 'F32' as const, bytes: 4 * dims[0] } : { name, dims, type: 'Q8_0' as const, bytes: matrixBytes(dims[0] * dims[1]) })),
  });
  await using file = await open(path, 'w');
  await file.writeFile(header);
  for (const [index, { dims }] of tensors.entries()) {
    signal.throwIfAborted();
    const seed = LARGE_SEED + index;
    if (dims.length === 1) await file.writeFile(seededGains(seed, dims[0]));
    else for (const piece of seededMatrix(seed, dims[0] * dims[1], 1 / Math.sqrt(dims[0]))) await file.writeFile(piece);
  }
}

function tensorsOf({ layers, hidden, heads, kvHeads, feedForward, vocabulary }: LargeShape): SeededTensor[] {
  const keys = (hidden / heads) * kvHeads;
  const layer = (index: number): SeededTensor[] => {
    const named = (name: string, dims: SeededTensor['dims']): SeededTensor => ({ name: `blk.${index}.${name}.weight`, dims });
    return [
      named('attn_norm', [hidden]),
      named('attn_q', [hidden, hidden]),
      named('attn_k', [hidden, keys]),
      named('attn_v', [hidden, keys]),
      named('attn_output', [hidden, hidden]),
      named('ffn_norm', [hidden]),
      named('ffn_gate', [hidden, feedForward]),
      named('ffn_up', [hidden, feedForward]),
      named('ffn_down', [feedForward, hidden]),
    ];
  };
  return [
    { name: 'token_embd.weight', dims: [hidden, vocabulary] },
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    { name: 'output_norm.weight', dims: [hidden] },
    // Of its own: tied to the embedding, a model of random weights repeats its last token for ever.
    { name: 'output.weight', dims: [hidden, vocabulary] },
  ];
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** Coprime to the number of pairs of pairs: the walk meets each of them once. */
const PAIR_STRIDE = 100_003;

/** A byte-level vocabulary of that size: bytes, a space before a letter, pairs of letters, and pairs of those. */
function largeVocabulary(size: number): LlamaVocabulary {
  const pairs = LETTERS.flatMap((first) => LETTERS.map((second) => [first, second] as const));
  const base = llamaVocabulary([...LETTERS.map((letter) => `Ġ ${letter}`), ...pairs.map((pair) => pair.join(' '))]);
  const words = pairs.map((pair) => pair.join(''));
  const rules = Array.from({ length: size - base.tokens.length }, (_, index) => {
    const at = (index * PAIR_STRIDE) % words.length ** 2;
    return `${words[Math.floor(at / words.length)]} ${words[at % words.length]}`;
  });
  return llamaVocabulary([...base.merges, ...rules]);
}
