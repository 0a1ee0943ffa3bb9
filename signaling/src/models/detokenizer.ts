import type { TokenBytes } from './token-bytes.ts';

/** What a stream of ids is turned into text by. */
export interface DetokenizerOptions {
  readonly bytes: TokenBytes;
  /** Ids that leave no text: control tokens, unless they are to be shown. */
  readonly silent: ReadonlySet<number>;
  /** SentencePiece marks the start of a text with a space that isn't part of it. */
  readonly dropFirstSpace: boolean;
}

/**
 * Turns ids into text as they come. A character whose bytes are spread over several tokens is held back until it is
 * complete, so no piece ever ends in half a character; joined pieces equal the text of all ids at once.
 */
export class Detokenizer {
  readonly #options: DetokenizerOptions;
  /** Streaming mode keeps an unfinished sequence; bytes that can't begin any character become U+FFFD at once. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #atStart = true;

  constructor(options: DetokenizerOptions) {
    this.#options = options;
  }

  /** Text that this id completes; empty while a character is unfinished. */
  push(id: number): string {
    if (this.#options.silent.has(id)) return '';
    return this.#trimStart(this.#decoder.decode(this.#options.bytes.of(id), { stream: true }));
  }

  /** What is left at the end of the answer: U+FFFD when its last character never became complete. */
  finish(): string {
    return this.#trimStart(this.#decoder.decode());
  }

  #trimStart(text: string): string {
    if (!this.#atStart || text === '') return text;
    this.#atStart = false;
    return this.#options.dropFirstSpace && text.startsWith(' ') ? text.slice(1) : text;
  }
}
