import { writeGguf } from './gguf-writer.ts';
import type { WriterEntry, WriterTensor } from './gguf-writer.ts';

/** Sizes of a made-up llama model; the defaults make a file of about 40 kB. */
export interface TinyLlama {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly context: number;
  readonly tiedHead: boolean;
  readonly seed: number;
  /** Replaces or adds metadata keys; a null value drops one. */
  readonly metadata: Readonly<Record<string, WriterEntry | null>>;
  /** Changes the tensor list before it is written. */
  readonly tensors: (tensors: WriterTensor[]) => WriterTensor[];
}

const DEFAULTS: TinyLlama = {
  layers: 2, hidden: 32, heads: 4, kvHeads: 2, feedForward: 64, context: 128, tiedHead: true, seed: 1, metadata: {}, tensors: (all) => all,
};

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
/** Merge rules on byte-level text: enough that common words are not all single bytes. */
const MERGES = ['h e', 'he l', 'l o', 'hel lo', 'Ġ t', 'i n', 't h', 'th e', 'Ġt he', 'a n', 'Ġ a', 'e r', 'o n'] as const;
const NORMAL = 1;
const CONTROL = 3;

/** A GGUF file of a seeded llama model with float32 weights and a byte-level tokenizer (three control tokens, 256 bytes, some merges). */
export function tinyLlamaGguf(overrides: Partial<TinyLlama> = {}): Uint8Array {
  const model = { ...DEFAULTS, ...overrides };
  const vocabulary = llamaVocabulary(MERGES);
  const entries = new Map<string, WriterEntry | null>(
    llamaMetadata(model, vocabulary).map((entry) => [entry.key, entry]),
  );
  for (const [key, entry] of Object.entries(model.metadata)) entries.set(key, entry);
  return writeGguf({
    metadata: [...entries.values()].filter((entry) => entry !== null),
    tensors: model.tensors(weights(model, vocabulary.tokens.length)),
  });
}

/** Tokens of the tiny vocabulary, for tests that count. */
export const TINY_VOCABULARY: number = SPECIAL_TOKENS.length + 256 + MERGES.length;

/** Tokens of a byte-level tokenizer, and the merge rules that make the last of them. */
export interface LlamaVocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
}

/** Three control tokens, 256 bytes, and one token a rule; rules stand in order and use tokens before them. */
export function llamaVocabulary(merges: readonly string[]): LlamaVocabulary {
  return { tokens: [...SPECIAL_TOKENS, ...byteAlphabet(), ...merges.map((rule) => rule.replace(' ', ''))], merges };
}

/** Metadata of a llama file with a byte-level tokenizer and a chat template. */
export function llamaMetadata(model: Pick<TinyLlama, 'layers' | 'hidden' | 'heads' | 'kvHeads' | 'feedForward' | 'context'>, { tokens, merges }: LlamaVocabulary): WriterEntry[] {
  const number = (key: string, value: number): WriterEntry => ({ key, type: 'UINT32', value });
  return [
    { key: 'general.architecture', type: 'STRING', value: 'llama' },
    { key: 'general.type', type: 'STRING', value: 'model' },
    { key: 'general.name', type: 'STRING', value: 'Tiny Llama' },
    { key: 'general.license', type: 'STRING', value: 'mit' },
    number('llama.block_count', model.layers),
    number('llama.context_length', model.context),
    number('llama.embedding_length', model.hidden),
    number('llama.feed_forward_length', model.feedForward),
    number('llama.attention.head_count', model.heads),
    number('llama.attention.head_count_kv', model.kvHeads),
    { key: 'llama.rope.freq_base', type: 'FLOAT32', value: 10_000 },
    { key: 'llama.attention.layer_norm_rms_epsilon', type: 'FLOAT32', value: 1e-5 },
    number('llama.vocab_size', tokens.length),
    { key: 'tokenizer.ggml.model', type: 'STRING', value: 'gpt2' },
    { key: 'tokenizer.ggml.pre', type: 'STRING', value: 'smollm' },
    { key: 'tokenizer.ggml.tokens', type: 'STRING', array: tokens },
    { key: 'tokenizer.ggml.token_type', type: 'INT32', array: tokens.map((_, id) => (id < SPECIAL_TOKENS.length ? CONTROL : NORMAL)) },
    { key: 'tokenizer.ggml.merges', type: 'STRING', array: merges },
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', 2),
    { key: 'tokenizer.ggml.add_bos_token', type: 'BOOL', value: false },
    { key: 'tokenizer.chat_template', type: 'STRING', value: CHAT_TEMPLATE },
  ];
}

function weights(model: TinyLlama, vocabulary: number): WriterTensor[] {
  const { hidden, feedForward } = model;
  const keys = (hidden / model.heads) * model.kvHeads;
  const random = gaussianSource(model.seed);
  const matrix = (name: string, width: number, rows: number): WriterTensor => {
    const spread = 1 / Math.sqrt(width);
    return { name, type: 'F32', dims: [width, rows], data: floats(width * rows, () => random() * spread) };
  };
  const norm = (name: string): WriterTensor => ({ name, type: 'F32', dims: [hidden], data: floats(hidden, () => 1 + 0.1 * random()) });
  const tensors = [matrix('token_embd.weight', hidden, vocabulary)];
  for (let layer = 0; layer < model.layers; layer++) {
    const prefix = `blk.${layer}`;
    tensors.push(
      norm(`${prefix}.attn_norm.weight`),
      matrix(`${prefix}.ffn_down.weight`, feedForward, hidden),
      matrix(`${prefix}.ffn_gate.weight`, hidden, feedForward),
      matrix(`${prefix}.ffn_up.weight`, hidden, feedForward),
      norm(`${prefix}.ffn_norm.weight`),
      matrix(`${prefix}.attn_k.weight`, hidden, keys),
      matrix(`${prefix}.attn_output.weight`, hidden, hidden),
      matrix(`${prefix}.attn_q.weight`, hidden, hidden),
      matrix(`${prefix}.attn_v.weight`, hidden, keys),
    );
  }
  tensors.push(norm('output_norm.weight'));
  if (!model.tiedHead) tensors.push(matrix('output.weight', hidden, vocabulary));
  return tensors;
}

function floats(count: number, next: () => number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: count }, next).buffer);
}

/** Sum of twelve uniform numbers less six: near enough to a normal distribution, and the same on every machine. */
function gaussianSource(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  return () => {
    let sum = -6;
    for (let term = 0; term < 12; term++) sum += uniform();
    return sum;
  };
}

/** GPT-2's printable stand-ins for the 256 bytes, in byte order (openai/gpt-2, encoder.py, `bytes_to_unicode`). */
function byteAlphabet(): string[] {
  let extra = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : extra++);
  });
}
