import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';

/** Characters of a token in this guess; the true number is counted by the coordinator. English has about four, code about three. */
const CHARACTERS_A_TOKEN = 3;
/** Tokens that the chat template adds for each message, and for the model's own introduction. */
const TEMPLATE_TOKENS = 30;

/** The most that a question is likely to cost, in base units: its text, everything said before, and the longest answer. */
export function quotedPrice(texts: readonly string[], maxTokens: number): bigint {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return price(LAUNCH_RATES, Math.ceil(characters / CHARACTERS_A_TOKEN) + TEMPLATE_TOKENS, maxTokens);
}
