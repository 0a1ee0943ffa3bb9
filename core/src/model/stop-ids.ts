import { optionalNumbers, optionalWholeNumber, requiredTexts } from './gguf/metadata.ts';
import { VOCABULARY_MAX } from './model-limits.ts';
import type { GgufHeader } from './gguf/gguf-header.ts';

/** Keys that name a token which ends an answer. */
const STOP_KEYS = ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id', 'tokenizer.ggml.eom_token_id'] as const;

/**
 * Control tokens that end an answer although many files don't name them: the list llama.cpp keeps
 * (llama-vocab.cpp, `special_eog_ids`), without the fill-in-the-middle ones.
 */
const STOP_TEXTS: ReadonlySet<string> = new Set([
  '<|eot_id|>', '<|im_end|>', '<|end|>', '<|return|>', '<|call|>', '<|flush|>', '<|calls|>', '<end_of_turn>', '<|endoftext|>', '<|eom_id|>',
  '<EOT>', '_<EOT>', '[EOT]', '[EOS]', '<|end_of_text|>', '<end_of_utterance>', '</s>', '<｜end▁of▁sentence｜>',
]);

/** Token type of control tokens (ggml `LLAMA_TOKEN_TYPE_CONTROL`). */
const CONTROL = 3;

/** Ids that end an answer, rising, each once. Throws GgufError for ids outside the vocabulary. */
export function stopIdsOf(header: GgufHeader): number[] {
  const tokens = requiredTexts(header, 'tokenizer.ggml.tokens');
  const types = optionalNumbers(header, 'tokenizer.ggml.token_type');
  const range = { least: 0, most: Math.min(tokens.length, VOCABULARY_MAX) - 1 };
  const ids = new Set<number>();
  for (const key of STOP_KEYS) {
    const id = optionalWholeNumber(header, key, range);
    if (id !== undefined) ids.add(id);
  }
  tokens.forEach((text, id) => {
    if (types?.[id] === CONTROL && STOP_TEXTS.has(text)) ids.add(id);
  });
  return [...ids].sort((left, right) => left - right);
}
