import { expect, test } from 'vitest';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { checkAt, sampleAt } from './samples.ts';

const PROMPT_IDS = Uint32Array.from({ length: 64 }, (_, i) => i % 7);
const logits = (): Float32Array => Float32Array.from({ length: 50 }, (_, id) => Math.fround(((id * 29) % 50) / 10));

test.each([[0], [1]])('an id sampled from logits is right by the same logits (prompt %i: greedy or drawn)', (prompt) => {
  for (let position = 32; position < 64; position++) {
    const id = sampleAt(logits(), prompt, PROMPT_IDS, position);
    expect(checkAt(logits(), prompt, PROMPT_IDS, position, id, 2 ** -8)).toBeUndefined();
  }
});

test('another id is wrong, one within delta ambiguous, and none is not checked (SPEC A7)', () => {
  const own = logits();
  const best = sampleAt(own, 0, PROMPT_IDS, 40);
  const close = (best + 1) % 50;
  own[close] = (own[best] ?? 0) - 0.001;
  expect(checkAt(own, 0, PROMPT_IDS, 40, close, 2 ** -8)).toMatchObject({ position: 40, id: close, ambiguous: true });
  expect(checkAt(own, 0, PROMPT_IDS, 40, (best + 2) % 50, 2 ** -8)).toMatchObject({ ambiguous: false });
  expect(checkAt(own, 0, PROMPT_IDS, 40, NO_ID, 2 ** -8)).toBeUndefined();
});
