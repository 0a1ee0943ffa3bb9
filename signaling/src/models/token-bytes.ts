import { bytesOfToken } from './byte-alphabet.ts';
import { TOKEN_TYPE } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The bytes of every token, in one block: 49,152 small arrays would cost 5 MB more than the 400 kB they hold. */
export class TokenBytes {
  readonly #bytes: Uint8Array;
  readonly #ends: Uint32Array;

  private constructor(bytes: Uint8Array, ends: Uint32Array) {
    this.#bytes = bytes;
    this.#ends = ends;
  }

  /** Byte-level vocabulary: normal tokens are spelt in GPT-2's alphabet, all others stand for their own text. */
  static ofByteLevel(vocabulary: Vocabulary): TokenBytes {
    return TokenBytes.#pack(vocabulary, (token, type) => (type === TOKEN_TYPE.normal ? bytesOfToken(token) : undefined));
  }

  /** SentencePiece vocabulary: `▁` is a space, `<0x41>` of type byte is that byte. */
  static ofSentencePiece(vocabulary: Vocabulary): TokenBytes {
    return TokenBytes.#pack(vocabulary, (token, type) => {
      if (type === TOKEN_TYPE.byte) return Uint8Array.of(Number.parseInt(token.slice(3, 5), 16));
      return type === TOKEN_TYPE.control ? undefined : new TextEncoder().encode(token.replaceAll('\u2581', ' '));
    });
  }

  static #pack(vocabulary: Vocabulary, bytesOf: (token: string, type: number | undefined) => Uint8Array | undefined): TokenBytes {
    const encoder = new TextEncoder();
    const parts = vocabulary.tokens.map((token, id) => bytesOf(token, vocabulary.types[id]) ?? encoder.encode(token));
    const ends = new Uint32Array(parts.length);
    let end = 0;
    parts.forEach((part, id) => {
      end += part.length;
      ends[id] = end;
    });
    const bytes = new Uint8Array(end);
    parts.forEach((part, id) => bytes.set(part, (ends[id] ?? 0) - part.length));
    return new TokenBytes(bytes, ends);
  }

  /** Bytes of a token; none for an id outside the vocabulary. A view: don't write to it. */
  of(id: number): Uint8Array {
    return this.#bytes.subarray(id === 0 ? 0 : (this.#ends[id - 1] ?? 0), this.#ends[id] ?? 0);
  }
}
