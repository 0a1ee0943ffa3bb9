import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { byteLevelConfig } from './byte-level-config.ts';
import { Detokenizer } from './detokenizer.ts';
import { ModelsError } from './models-error.ts';
import { sentencePieceConfig } from './sentence-piece-config.ts';
import { TokenBytes } from './token-bytes.ts';
import { TOKEN_TYPE, vocabularyOf } from './vocabulary.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Text to ids and back, as the model file's metadata define it. Equal to the library the model was trained with. */
export class Tokenizer {
  readonly vocabulary: Vocabulary;
  /** A prompt starts with BOS, whether or not its template wrote one. */
  readonly addBos: boolean;
  readonly #library: LibraryTokenizer;
  readonly #bytes: TokenBytes;
  readonly #control: ReadonlySet<number>;
  /** SentencePiece puts a space in front of every text; it isn't part of the text that comes back. */
  readonly #dropFirstSpace: boolean;

  private constructor(vocabulary: Vocabulary, addBos: boolean, library: LibraryTokenizer, bytes: TokenBytes, dropFirstSpace: boolean) {
    this.vocabulary = vocabulary;
    this.addBos = addBos;
    this.#library = library;
    this.#bytes = bytes;
    this.#dropFirstSpace = dropFirstSpace;
    this.#control = new Set(vocabulary.types.flatMap((type, id) => (type === TOKEN_TYPE.control ? [id] : [])));
  }

  /** Builds the tokenizer of a file. Throws ModelsError `unsupported-tokenizer` or `bad-tokenizer`, GgufError for missing keys. */
  static ofGguf(header: GgufHeader): Tokenizer {
    const vocabulary = vocabularyOf(header);
    switch (vocabulary.model) {
      case 'gpt2': {
        const { json, addBos } = byteLevelConfig(header, vocabulary);
        return new Tokenizer(vocabulary, addBos, new LibraryTokenizer(json, {}), TokenBytes.ofByteLevel(vocabulary), false);
      }
      case 'llama': {
        const { json, addBos, spacePrefix } = sentencePieceConfig(header, vocabulary);
        return new Tokenizer(vocabulary, addBos, new LibraryTokenizer(json, {}), TokenBytes.ofSentencePiece(vocabulary), spacePrefix);
      }
      default:
        throw new ModelsError('unsupported-tokenizer', `tokenizer.ggml.model is ${JSON.stringify(vocabulary.model.slice(0, 40))}. Supported: gpt2 (byte-level BPE), llama (SentencePiece BPE).`, {
          fault: 'user',
          fields: { model: vocabulary.model },
        });
    }
  }

  /** Ids of a text. Special tokens spelt in the text are recognised, as the reference does; none is added. */
  encode(text: string): number[] {
    return text === '' ? [] : this.#library.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * Ids of a rendered chat template. Where the file asks for BOS and the template didn't write it, it is put in front.
   * A user who types a special token gets it: rendering and tokenising with special tokens is what the reference does,
   * and equal ids are the bar. The prompt is the user's own, so this gives no power over anyone else's.
   */
  encodePrompt(rendered: string): number[] {
    const ids = this.encode(rendered);
    const { bosId } = this.vocabulary;
    return this.addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids;
  }

  /** Text of ids; control tokens leave nothing unless `special` is set. Bytes that aren't UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: { readonly special?: boolean } = {}): string {
    const detokenizer = this.detokenizer(options);
    let text = '';
    for (const id of ids) text += detokenizer.push(id);
    return text + detokenizer.finish();
  }

  /** A decoder for one answer as its ids come. */
  detokenizer(options: { readonly special?: boolean } = {}): Detokenizer {
    return new Detokenizer({ bytes: this.#bytes, silent: options.special === true ? new Set() : this.#control, dropFirstSpace: this.#dropFirstSpace });
  }

  /** Text of one token as the file spells it, or undefined outside the vocabulary: for template variables. */
  tokenText(id: number | undefined): string | undefined {
    return id === undefined ? undefined : this.vocabulary.tokens[id];
  }
}
