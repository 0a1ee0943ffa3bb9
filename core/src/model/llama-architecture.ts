import { GgufError } from './gguf/gguf-error.ts';
import { optionalBoolean, optionalNumber, optionalText, optionalWholeNumber, requiredText, requiredWholeNumber } from './gguf/metadata.ts';
import { ModelError } from './model-error.ts';
import { CONTEXT_POSITIONS_MAX, FEED_FORWARD_MAX, HEADS_MAX, HEAD_DIM_MAX, HIDDEN_MAX, LAYERS_MAX, VOCABULARY_MAX } from './model-limits.ts';
import type { Architecture } from './architecture.ts';
import type { GgufHeader } from './gguf/gguf-header.ts';

/** What the llama converters leave out when a model uses the original value. */
const ROPE_BASE_DEFAULT = 10_000;

/** Keys that change the arithmetic when they hold anything but this; the stage graph has no such step. */
const NEUTRAL_NUMBERS: readonly (readonly [key: string, neutral: number])[] = [
  ['llama.expert_count', 0],
  ['llama.rope.scaling.factor', 1],
  ['llama.rope.scale_linear', 1],
  ['llama.logit_scale', 1],
  ['llama.residual_scale', 1],
  ['llama.embedding_scale', 1],
  ['llama.attention.scale', 0],
  ['llama.attention.clamp_kqv', 0],
  ['llama.attention.max_alibi_bias', 0],
  ['llama.attn_logit_softcapping', 0],
  ['llama.final_logit_softcapping', 0],
];

function refuse(what: string, fields: Record<string, unknown>): never {
  throw new ModelError('unsupported-model', `${what} Ciro runs plain llama models: RMS norm, RoPE without scaling, gated SiLU, no experts, no biases.`, {
    fault: 'user',
    fields,
  });
}

/**
 * Reads the architecture numbers of a llama file (Llama, SmolLM2, Mistral).
 *
 * @throws ModelError `unsupported-model` for another family or a feature that the stage graph lacks
 * @throws GgufError for a missing key or a number out of bounds
 */
export function llamaArchitecture(header: GgufHeader): Architecture {
  refuseOtherFamilies(header);
  refuseFeatures(header);
  const hidden = requiredWholeNumber(header, 'llama.embedding_length', { least: 1, most: HIDDEN_MAX });
  const heads = requiredWholeNumber(header, 'llama.attention.head_count', { least: 1, most: HEADS_MAX });
  const kvHeads = optionalWholeNumber(header, 'llama.attention.head_count_kv', { least: 1, most: HEADS_MAX }) ?? heads;
  if (heads % kvHeads !== 0) {
    throw new GgufError('bad-value', 'metadata["llama.attention.head_count_kv"]', { value: kvHeads, expected: `a divisor of ${heads}` });
  }
  const architecture = {
    family: 'llama' as const,
    layers: requiredWholeNumber(header, 'llama.block_count', { least: 1, most: LAYERS_MAX }),
    hidden,
    heads,
    kvHeads,
    headDim: headDim(header, hidden, heads),
    feedForward: requiredWholeNumber(header, 'llama.feed_forward_length', { least: 1, most: FEED_FORWARD_MAX }),
    vocabulary: vocabulary(header),
    context: requiredWholeNumber(header, 'llama.context_length', { least: 1, most: CONTEXT_POSITIONS_MAX }),
    ropeBase: optionalNumber(header, 'llama.rope.freq_base') ?? ROPE_BASE_DEFAULT,
    normEpsilon: normEpsilon(header),
    tiedHead: !header.tensors.some((tensor) => tensor.name === 'output.weight'),
  };
  if (architecture.ropeBase <= 1) {
    throw new GgufError('bad-value', 'metadata["llama.rope.freq_base"]', { value: architecture.ropeBase, expected: 'more than 1' });
  }
  refuseSlidingWindow(header, architecture.context);
  return architecture;
}

function refuseOtherFamilies(header: GgufHeader): void {
  const family = requiredText(header, 'general.architecture');
  if (family !== 'llama') refuse(`The file's general.architecture is ${JSON.stringify(family.slice(0, 40))}, not "llama".`, { family });
  const type = optionalText(header, 'general.type') ?? 'model';
  if (type !== 'model') refuse(`The file's general.type is ${JSON.stringify(type.slice(0, 40))}, not "model".`, { type });
}

function refuseFeatures(header: GgufHeader): void {
  const scaling = optionalText(header, 'llama.rope.scaling.type') ?? 'none';
  if (scaling !== 'none') refuse(`llama.rope.scaling.type is ${JSON.stringify(scaling.slice(0, 40))}.`, { scaling });
  for (const [key, neutral] of NEUTRAL_NUMBERS) {
    const value = optionalNumber(header, key) ?? neutral;
    if (value !== neutral) refuse(`${key} is ${value}.`, { key, value });
  }
  if (optionalBoolean(header, 'llama.attention.causal') === false) refuse('llama.attention.causal is false.', { causal: false });
  const factors = header.tensors.find((tensor) => tensor.name.startsWith('rope_f'));
  if (factors !== undefined) refuse(`The file holds RoPE scaling factors (${factors.name}).`, { tensor: factors.name });
}

/** A window that never closes before the context ends changes nothing. */
function refuseSlidingWindow(header: GgufHeader, context: number): void {
  const window = optionalNumber(header, 'llama.attention.sliding_window') ?? 0;
  if (window !== 0 && window < context) {
    refuse(`llama.attention.sliding_window is ${window}, shorter than the context of ${context}.`, { window, context });
  }
}

function headDim(header: GgufHeader, hidden: number, heads: number): number {
  const range = { least: 2, most: HEAD_DIM_MAX };
  const declared = optionalWholeNumber(header, 'llama.attention.key_length', range);
  if (declared === undefined && hidden % heads !== 0) {
    throw new GgufError('bad-value', 'metadata["llama.attention.head_count"]', { value: heads, expected: `a divisor of ${hidden}` });
  }
  const size = declared ?? hidden / heads;
  if (size % 2 !== 0 || size > HEAD_DIM_MAX) {
    throw new GgufError('bad-value', 'metadata["llama.attention.key_length"]', { value: size, expected: `even, at most ${HEAD_DIM_MAX}` });
  }
  const valueSize = optionalWholeNumber(header, 'llama.attention.value_length', range) ?? size;
  if (valueSize !== size) refuse(`Keys have ${size} elements a head and values ${valueSize}.`, { size, valueSize });
  const rotated = optionalWholeNumber(header, 'llama.rope.dimension_count', range) ?? size;
  if (rotated !== size) refuse(`RoPE turns ${rotated} of ${size} elements a head.`, { size, rotated });
  return size;
}

function vocabulary(header: GgufHeader): number {
  const embedding = header.tensors.find((tensor) => tensor.name === 'token_embd.weight');
  const declared = optionalWholeNumber(header, 'llama.vocab_size', { least: 1, most: VOCABULARY_MAX });
  const rows = declared ?? embedding?.dims[1];
  if (rows === undefined || rows > VOCABULARY_MAX) throw new GgufError('missing-key', 'metadata["llama.vocab_size"]');
  return rows;
}

function normEpsilon(header: GgufHeader): number {
  const key = 'llama.attention.layer_norm_rms_epsilon';
  const value = optionalNumber(header, key);
  if (value === undefined) throw new GgufError('missing-key', `metadata["${key}"]`);
  if (value <= 0 || value >= 1) throw new GgufError('bad-value', `metadata["${key}"]`, { value, expected: 'between 0 and 1' });
  return value;
}
