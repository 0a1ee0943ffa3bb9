/** What commands may know of the network. */
export interface CommandView {
  /** Served models, the default first. */
  models(): readonly { readonly name: string; readonly layers: number; readonly context: number; readonly missingTabs: number }[];
  /** Base units of a token of the prompt, and of one that is generated, as they are now. */
  rates(): { readonly promptToken: bigint; readonly generatedToken: bigint; readonly feeBasisPoints: bigint };
  /** Tasks of `/run` that somebody here does. */
  tasks(): readonly string[];
}

/** A command in a message. */
export interface Command {
  /** Without its slash. */
  readonly name: string;
  /** How it is written, and what it does: a line of `/help`. */
  readonly usage: string;
  readonly help: string;
  /** `words`: what stands after its name. Throws what the API is to show. */
  run(words: string, view: CommandView): string;
}
