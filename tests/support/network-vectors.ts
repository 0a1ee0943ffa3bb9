import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const Ids = v.array(v.number());
const File = v.object({
  model_sha256: v.string(),
  cases: v.array(v.object({ name: v.string(), messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })), prompt_ids: Ids, output_ids: Ids })),
});

/** A conversation, and what the unsharded float32 model answers to it; the file names its origin. */
export interface GreedyVector {
  readonly name: string;
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly promptIds: readonly number[];
  /** The end-of-sequence id, where the answer has one, is the last. */
  readonly outputIds: readonly number[];
}

const file = v.parse(File, JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'core', 'vectors', 'greedy.json'), 'utf8')));

/** Every conversation of core/vectors/greedy.json. */
export const GREEDY_VECTORS: readonly GreedyVector[] = file.cases.map(({ name, messages, prompt_ids, output_ids }) => ({ name, messages, promptIds: prompt_ids, outputIds: output_ids }));

/** The vector with this name; a name that is none is a mistake in the caller. */
export function greedyVector(name: string): GreedyVector {
  const found = GREEDY_VECTORS.find((vector) => vector.name === name);
  if (found === undefined) throw new Error(`core/vectors/greedy.json has no case ${name}`);
  return found;
}
