import { greedyVector } from '../../tests/support/network-vectors.ts';
import type { NetworkQuestion } from '../../tests/support/network-question.ts';

/** Long enough to lose a tab in its middle and to see that the rest is right, short enough for sixty of them. */
const TOKENS = 56;

const user = (content: string) => [{ role: 'user', content }];

/** Greedy and drawn answers, none of which ends before its length (the undisturbed run says so if one does). */
export const QUESTIONS: readonly NetworkQuestion[] = [
  { messages: greedyVector('explicit system').messages, maxTokens: TOKENS },
  { messages: greedyVector('code').messages, maxTokens: TOKENS },
  { messages: greedyVector('long').messages, maxTokens: TOKENS },
  { messages: user('Write a diary entry of a sailor.'), maxTokens: TOKENS, sampling: { temperature: 0.8, seed: 14 } },
  { messages: user('Tell a story about a lighthouse and a storm.'), maxTokens: TOKENS, sampling: { temperature: 0.8, seed: 12 } },
  { messages: greedyVector('poem').messages, maxTokens: TOKENS, sampling: { temperature: 1, seed: 13 } },
];
