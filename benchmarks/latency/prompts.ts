/** Sets of questions that are answered apart: how much of an answer can be guessed ahead depends on its kind. */
export const PROMPT_SETS = {
  chat: [
    'Tell me about a walk in the mountains.',
    'What should I think of before I adopt a dog?',
  ],
  code: [
    'Write a Python function that returns the n-th Fibonacci number.',
    'Write a JavaScript function that counts the words in a string.',
  ],
  summary: [
    'Summarise in a few sentences: The lighthouse on the northern cape was built in 1861 of granite that was shipped from the mainland, because the island has only slate. For ninety years a keeper and his family lived in it and carried the oil up its 204 steps every evening. In 1951 the lamp was made electric, in 1978 the last keeper left, and today a sensor switches it on at dusk. The tower is open on Sundays in summer.',
    'Summarise in a few sentences: Bees find their way by the sun. A bee that has found flowers dances on the comb when it comes home: the angle of its dance to the vertical is the angle of the flowers to the sun, and the longer it waggles, the farther they are. Others follow the dance with their feelers, in the dark, and fly out in that direction. When the sun moves on, dancers that stay inside correct the angle.',
  ],
} as const;
export type PromptSet = keyof typeof PROMPT_SETS;
export const PROMPT_SET_NAMES: readonly PromptSet[] = ['chat', 'code', 'summary'];
