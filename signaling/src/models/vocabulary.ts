import { optionalBoolean, optionalNumbers, optionalWholeNumber, requiredText, requiredTexts } from '@ciro/core/model/gguf/metadata.ts';
import { ModelsError } from './models-error.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';

/** Kinds of tokens as GGUF numbers them (llama.h, `llama_token_type`). */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What a GGUF file says about its tokens. */
export interface Vocabulary {
  /** `tokenizer.ggml.model`: the algorithm. */
  readonly model: string;
  readonly tokens: readonly string[];
  /** One of `TOKEN_TYPE` a token. */
  readonly types: readonly number[];
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly unknownId: number | undefined;
  readonly paddingId: number | undefined;
  /** Undefined where the file leaves it to the algorithm. */
  readonly addBos: boolean | undefined;
}

/** Reads the tokens of a file. Throws GgufError for missing or wrong keys, ModelsError when lists differ in length. */
export function vocabularyOf(header: GgufHeader): Vocabulary {
  const tokens = requiredTexts(header, 'tokenizer.ggml.tokens');
  const types = optionalNumbers(header, 'tokenizer.ggml.token_type') ?? new Float64Array(tokens.length).fill(TOKEN_TYPE.normal);
  if (types.length !== tokens.length) {
    throw new ModelsError('bad-tokenizer', `The file has ${tokens.length} tokens but ${types.length} token types. Fetch it again.`, {
      fault: 'user',
      fields: { tokens: tokens.length, types: types.length },
    });
  }
  const range = { least: 0, most: tokens.length - 1 };
  return {
    model: requiredText(header, 'tokenizer.ggml.model'),
    tokens,
    types: [...types],
    bosId: optionalWholeNumber(header, 'tokenizer.ggml.bos_token_id', range),
    eosId: optionalWholeNumber(header, 'tokenizer.ggml.eos_token_id', range),
    unknownId: optionalWholeNumber(header, 'tokenizer.ggml.unknown_token_id', range),
    paddingId: optionalWholeNumber(header, 'tokenizer.ggml.padding_token_id', range),
    addBos: optionalBoolean(header, 'tokenizer.ggml.add_bos_token'),
  };
}
