import { optionalBoolean, optionalNumbers } from '@ciro/core/model/gguf/metadata.ts';
import { addedTokens } from './added-tokens.ts';
import { ModelsError } from './models-error.ts';
import { TOKEN_TYPE } from './vocabulary.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';
import type { TokenizerConfig } from './byte-level-config.ts';
import type { Vocabulary } from './vocabulary.ts';

/** SentencePiece's stand-in for a space. */
const SPACE = '\u2581';

/** A SentencePiece configuration, and whether texts get a space in front of them. */
export interface SentencePieceConfig extends TokenizerConfig {
  readonly spacePrefix: boolean;
}

/**
 * Configuration of a SentencePiece BPE tokenizer (`tokenizer.ggml.model = llama`: Llama 1 and 2, Mistral).
 * The file has scores where the library wants merge rules: a piece may be merged from any two pieces that make it up, the
 * best-scored piece first. Throws ModelsError `bad-tokenizer` when scores are missing.
 */
export function sentencePieceConfig(header: GgufHeader, vocabulary: Vocabulary): SentencePieceConfig {
  const scores = optionalNumbers(header, 'tokenizer.ggml.scores');
  const { tokens, types } = vocabulary;
  if (scores?.length !== tokens.length) {
    throw new ModelsError('bad-tokenizer', `The file has ${tokens.length} tokens but ${scores?.length ?? 'no'} scores. Fetch it again.`, {
      fault: 'user',
      fields: { tokens: tokens.length, scores: scores?.length },
    });
  }
  const spacePrefix = optionalBoolean(header, 'tokenizer.ggml.add_space_prefix') ?? true;
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: SPACE };
  const unknown = types.indexOf(TOKEN_TYPE.unknown);
  return {
    spacePrefix,
    addBos: vocabulary.addBos ?? true,
    json: {
      version: '1.0',
      added_tokens: addedTokens(vocabulary),
      normalizer: spacePrefix ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: SPACE }, spaces] } : spaces,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: {
        type: 'BPE',
        unk_token: unknown < 0 ? null : tokens[unknown],
        fuse_unk: true,
        byte_fallback: true,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: mergesOf(tokens, types, scores),
      },
    },
  };
}

/** Every way to make a normal piece of two others, best score first; of one piece's ways, the longest left part first. */
function mergesOf(tokens: readonly string[], types: readonly number[], scores: Float64Array): [string, string][] {
  const pieces = new Set(tokens.filter((_, id) => types[id] === TOKEN_TYPE.normal));
  const byScore = tokens.map((_, id) => id).filter((id) => types[id] === TOKEN_TYPE.normal);
  byScore.sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right);
  return byScore.flatMap((id) => {
    const characters = Array.from(tokens[id] ?? '');
    const ways: [string, string][] = [];
    for (let cut = characters.length - 1; cut > 0; cut--) {
      const left = characters.slice(0, cut).join('');
      const right = characters.slice(cut).join('');
      if (pieces.has(left) && pieces.has(right)) ways.push([left, right]);
    }
    return ways;
  });
}
