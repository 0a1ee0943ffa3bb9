/**
 * How the next id is chosen. Steps run in the order of the Hugging Face transformers library's `generate`:
 * repetition penalty → temperature → top-k → top-p → min-p → draw.
 */
export interface SamplerSettings {
  /** Divides the logits; 0 takes the id with the largest logit and skips all later steps. */
  readonly temperature: number;
  /** Keeps the k largest logits; 0 keeps all. */
  readonly topK: number;
  /** Keeps the fewest ids, likeliest first, whose probabilities reach this sum; 1 keeps all. */
  readonly topP: number;
  /** Keeps ids at least this many times as likely as the likeliest; 0 keeps all. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of recent ids; 1 changes nothing. */
  readonly repetitionPenalty: number;
}
