/**
 * Bounds on architecture numbers, for files and for manifests alike. Llama 3.1 405B has 126 layers of width 16,384 with
 * feed-forward 53,248, 128 heads, 128,256 tokens and 131,072 positions; larger vocabularies (262,144) exist.
 */
export const LAYERS_MAX = 512;
export const HIDDEN_MAX = 65_536;
export const HEADS_MAX = 1024;
export const HEAD_DIM_MAX = 1024;
export const FEED_FORWARD_MAX = 262_144;
export const VOCABULARY_MAX = 1_048_576;
export const CONTEXT_POSITIONS_MAX = 1_048_576;

/** Ways to end an answer; files name at most a handful. */
export const STOP_IDS_MAX = 64;

/** Length of a served name, in characters: it is shown in lists and travels in every request. */
export const MODEL_NAME_CHARACTERS_MAX = 128;
