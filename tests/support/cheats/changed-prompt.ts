import { seededNumbers } from './seeded-numbers.ts';

/**
 * Cheats with what is answered: the stage computes from other token ids than the plan's. All give as many ids as they were
 * given, since a plan's positions are counted; what follows the change is other work.
 */
export interface PromptCheat {
  /** Ids to compute on. Rows of positions below `hidden` are not handed on: they belong to what was put in front. */
  (ids: Uint32Array): { readonly ids: Uint32Array; readonly hidden: number };
}

/** One early token of the prompt is another one. `position` must be inside the text. */
export const changedToken = (position: number, seed: number, vocabulary: number): PromptCheat => (ids) => {
  const changed = ids.slice();
  const before = changed[position];
  const { below } = seededNumbers(seed, String(before));
  // Control tokens are the lowest ids; a plain one is the subtler change.
  do changed[position] = 256 + below(vocabulary - 256);
  while (changed[position] === before);
  return { ids: changed, hidden: 0 };
};

/** One token of the prompt is left out; all after it move up, and the last is said twice to keep the count. */
export const droppedToken = (position: number): PromptCheat => (ids) => {
  const changed = ids.slice();
  changed.copyWithin(position, position + 1);
  return { ids: changed, hidden: 0 };
};

/** Text that nobody asked for is put in front, as a hidden system prompt would be. */
export const injectedPrompt = (extra: Uint32Array): PromptCheat => (ids) => {
  const all = new Uint32Array(extra.length + ids.length);
  all.set(extra);
  all.set(ids, extra.length);
  return { ids: all, hidden: extra.length };
};
