import { requiredText, requiredTexts } from '@ciro/core/model/gguf/metadata.ts';
import { addedTokens } from './added-tokens.ts';
import { BYTE_CHARACTERS } from './byte-alphabet.ts';
import { ModelsError } from './models-error.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';
import type { Vocabulary } from './vocabulary.ts';

/** How a family of byte-level tokenizers cuts text before merging. */
interface Cutting {
  /** Applied one after the other; every match and every gap becomes a piece. */
  readonly patterns: readonly string[];
  /** A piece that is a token as a whole is not merged from bytes. */
  readonly ignoreMerges: boolean;
  readonly normaliser: 'NFC' | null;
  /** What applies when the file doesn't say. */
  readonly addBos: boolean;
}

const GPT2_WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** Llama 3 and Qwen differ in how many digits stay together. */
const modernWords = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/**
 * By `tokenizer.ggml.pre`; the patterns are those of the models' own tokenizer.json. `Split` on `\p{N}` stands for the
 * library's `Digits`, whose JavaScript form knows ASCII digits only, where the original takes every Unicode number.
 */
const CUTTINGS: ReadonlyMap<string, Cutting> = new Map([
  ['smollm', { patterns: [String.raw`\p{N}`, GPT2_WORDS], ignoreMerges: false, normaliser: null, addBos: false }],
  ['gpt-2', { patterns: [GPT2_WORDS], ignoreMerges: false, normaliser: null, addBos: false }],
  ['llama-bpe', { patterns: [modernWords(String.raw`\p{N}{1,3}`)], ignoreMerges: true, normaliser: null, addBos: true }],
  ['qwen2', { patterns: [modernWords(String.raw`\p{N}`)], ignoreMerges: false, normaliser: 'NFC', addBos: false }],
]);

/** What the tokenizer library is built from, and whether a prompt starts with BOS. */
export interface TokenizerConfig {
  readonly json: object;
  readonly addBos: boolean;
}

/** Configuration of a byte-level BPE tokenizer (`tokenizer.ggml.model = gpt2`). Throws ModelsError for an unknown way of cutting. */
export function byteLevelConfig(header: GgufHeader, vocabulary: Vocabulary): TokenizerConfig {
  const pre = requiredText(header, 'tokenizer.ggml.pre');
  const cutting = CUTTINGS.get(pre);
  if (cutting === undefined) {
    const supported = [...CUTTINGS.keys()].join(', ');
    throw new ModelsError('unsupported-tokenizer', `tokenizer.ggml.pre is ${JSON.stringify(pre.slice(0, 40))}. Supported: ${supported}.`, {
      fault: 'user',
      fields: { pre, supported },
    });
  }
  const cuts = cutting.patterns.map((pattern) => ({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }));
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    addBos: vocabulary.addBos ?? cutting.addBos,
    json: {
      version: '1.0',
      added_tokens: addedTokens(vocabulary),
      normalizer: cutting.normaliser === null ? null : { type: cutting.normaliser },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [...cuts, bytes, ...droppedBytes(vocabulary)] },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        unk_token: null,
        // fromEntries and not a loop of assignments: a token may be called `__proto__`.
        vocab: Object.fromEntries(vocabulary.tokens.map((token, id) => [token, id])),
        merges: mergesOf(header),
        ignore_merges: cutting.ignoreMerges,
        byte_fallback: false,
      },
    },
  };
}

/**
 * A byte without a token of its own disappears before merging in the original library, so its neighbours may merge;
 * this library would drop it after merging. SmolLM2 lacks 21 bytes.
 */
function droppedBytes(vocabulary: Vocabulary): object[] {
  const known = new Set(vocabulary.tokens);
  const missing = BYTE_CHARACTERS.filter((character) => !known.has(character));
  if (missing.length === 0) return [];
  const codes = missing.map((character) => `\\x{${character.charCodeAt(0).toString(16)}}`);
  return [{ type: 'Replace', pattern: { Regex: `[${codes.join('')}]` }, content: '' }];
}

/** Merge rules as pairs: byte-level tokens hold no space, so the first one parts them. */
function mergesOf(header: GgufHeader): [string, string][] {
  return requiredTexts(header, 'tokenizer.ggml.merges').map((rule, index) => {
    const space = rule.indexOf(' ');
    if (space < 1 || space === rule.length - 1) {
      throw new ModelsError('bad-tokenizer', `tokenizer.ggml.merges[${index}] is ${JSON.stringify(rule.slice(0, 40))}, not two tokens. Fetch the file again.`, {
        fault: 'user',
        fields: { index },
      });
    }
    return [rule.slice(0, space), rule.slice(space + 1)];
  });
}
