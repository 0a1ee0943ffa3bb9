/** Ids to text as they come; `push` gives what an id completes, `finish` what was left. */
export interface TextDecoderOfIds {
  push(id: number): string;
  finish(): string;
}

/**
 * The text of an answer: decoded ids up to the first stop string. Text that could still become a stop string is held back,
 * so nothing behind the cut is ever sent.
 */
export class AnswerText {
  readonly #decoder: TextDecoderOfIds;
  readonly #stops: readonly string[];
  #held = '';
  #stopped = false;

  constructor(decoder: TextDecoderOfIds, stops: readonly string[]) {
    this.#decoder = decoder;
    this.#stops = stops;
  }

  /** A stop string was met: later ids add nothing. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Text that may be sent after this id. */
  push(id: number): string {
    return this.#stopped ? '' : this.#release(this.#decoder.push(id), false);
  }

  /** The rest, when no id follows. */
  finish(): string {
    return this.#stopped ? '' : this.#release(this.#decoder.finish(), true);
  }

  #release(added: string, last: boolean): string {
    const text = this.#held + added;
    const cut = Math.min(...this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0));
    if (Number.isFinite(cut)) {
      this.#stopped = true;
      this.#held = '';
      return text.slice(0, cut);
    }
    const keep = last ? 0 : Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }
}

/** Length of the longest end of `text` that `stop` begins with (not all of it). */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
