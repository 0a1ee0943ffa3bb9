/** Where the key is kept between visits. */
export interface KeySettings {
  read(name: string): Promise<unknown>;
  keep(name: string, value: unknown): Promise<void>;
}

const NAME = 'api-key';

/** This browser's API key: opened as a trial at the first question, kept afterwards. Where nothing can be kept it lasts as long as the page. */
export class ApiKey {
  readonly #settings: KeySettings;
  readonly #open: (signal: AbortSignal) => Promise<string>;
  #key: string | undefined;

  constructor(settings: KeySettings, openTrial: (signal: AbortSignal) => Promise<string>) {
    this.#settings = settings;
    this.#open = openTrial;
  }

  /** The key there is; undefined when none was opened yet. */
  async kept(): Promise<string | undefined> {
    if (this.#key !== undefined) return this.#key;
    const kept = await this.#settings.read(NAME).catch(() => undefined);
    if (typeof kept === 'string' && kept !== '') this.#key = kept;
    return this.#key;
  }

  /** The key, opened when there is none. Throws what opening a trial throws. */
  async get(signal: AbortSignal): Promise<string> {
    const kept = await this.kept();
    if (kept !== undefined) return kept;
    this.#key = await this.#open(signal);
    await this.#settings.keep(NAME, this.#key).catch(() => undefined);
    return this.#key;
  }

  /** The coordinator does not know this key: the next `get` opens another. */
  async forget(): Promise<void> {
    this.#key = undefined;
    await this.#settings.keep(NAME, '').catch(() => undefined);
  }
}
