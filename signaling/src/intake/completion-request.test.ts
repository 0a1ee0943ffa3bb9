import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCompletionRequest } from './completion-request.ts';
import { IntakeError } from './intake-error.ts';

/** Seed of this run; set it as CIRO_SEED to repeat a failure. */
const SEED = Number(process.env['CIRO_SEED'] ?? Date.now() % 2 ** 31);
const refusal = (code: string, param: string) => expect.objectContaining({ code, fields: { param } });

it('takes a text, token ids, or a list of one of them; 16 tokens unless it says more, as in the OpenAI API', () => {
  expect(parseCompletionRequest({ model: 'm', prompt: 'Once' })).toMatchObject({ prompt: 'Once', maxTokens: 16, temperature: 0.7, stream: false });
  expect(parseCompletionRequest({ model: 'm', prompt: [5, 6] }).prompt).toEqual([5, 6]);
  expect(parseCompletionRequest({ model: 'm', prompt: ['Once'] }).prompt).toBe('Once');
  expect(parseCompletionRequest({ model: 'm', prompt: [[5, 6]], max_tokens: 3, stop: 'x' })).toMatchObject({ prompt: [5, 6], maxTokens: 3, stop: ['x'] });
});

it('I3: refuses by name what it does not carry out, and takes what asks for nothing', () => {
  for (const [field, value] of [['echo', true], ['suffix', 'x'], ['best_of', 2], ['logprobs', 0], ['n', 2], ['prompt', ['a', 'b']], ['prompt', [[1], [2]]]] as const) {
    expect(() => parseCompletionRequest({ model: 'm', prompt: 'x', [field]: value }), field).toThrow(refusal('unsupported_parameter', field));
  }
  expect(parseCompletionRequest({ model: 'm', prompt: 'x', echo: false, suffix: null, best_of: 1, n: 1, logprobs: null })).toEqual(parseCompletionRequest({ model: 'm', prompt: 'x' }));
  for (const prompt of ['', [], [''], [[]]]) expect(() => parseCompletionRequest({ model: 'm', prompt })).toThrow(refusal('empty_prompt', 'prompt'));
  for (const prompt of [7, [1.5], [-1], [1, 'a'], { text: 'x' }]) expect(() => parseCompletionRequest({ model: 'm', prompt })).toThrow(refusal('invalid_value', 'prompt'));
  expect(() => parseCompletionRequest({ model: 'm', prompt: 'x', messages: [] })).toThrow(refusal('unknown_parameter', 'messages'));
  expect(() => parseCompletionRequest({ model: 'm', prompt: 'x', ciro: { escrow: '0x1' } })).toThrow(refusal('unknown_parameter', 'ciro.escrow'));
});

it(`whatever is sent, it is taken or refused by name: nothing else is thrown (seed ${SEED})`, () => {
  const field = fc.constantFrom('model', 'prompt', 'echo', 'suffix', 'stop', 'n', 'seed', 'ciro', 'toString', 'x');
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.dictionary(field, fc.anything())), (body) => {
      try {
        parseCompletionRequest(body);
      } catch (error) {
        expect(error).toBeInstanceOf(IntakeError);
        expect((error as IntakeError).fields['param']).toEqual(expect.any(String));
      }
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});
