import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseChatRequest } from './chat-request.ts';
import { IntakeError } from './intake-error.ts';

/** Seed of this run; set it as CIRO_SEED to repeat a failure. */
const SEED = Number(process.env['CIRO_SEED'] ?? Date.now() % 2 ** 31);
const messages = [{ role: 'user', content: 'hello' }];

it('takes the smallest request and fills in the rest', () => {
  expect(parseChatRequest({ model: 'default', messages })).toEqual({
    model: 'default', messages, stream: false, includeUsage: false, maxTokens: undefined, temperature: 0.7, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stop: [], seed: undefined, assurance: 'stream', nonceCommitment: null, keepGoing: false, reuse: true,
  });
});

it('null means left out, as in the OpenAI API', () => {
  const nulls = { stream: null, stream_options: null, max_tokens: null, temperature: null, top_p: null, stop: null, seed: null, user: null, tools: null, logprobs: null, response_format: null };
  expect(parseChatRequest({ model: 'default', messages, ...nulls })).toEqual(parseChatRequest({ model: 'default', messages }));
});

it('a developer message is a system message, and text parts are joined', () => {
  const parts = [{ role: 'developer', content: [{ type: 'text', text: 'be ' }, { type: 'text', text: 'brief' }] }, ...messages, { role: 'assistant', content: '' }, ...messages];
  expect(parseChatRequest({ model: 'm', messages: parts }).messages).toEqual([{ role: 'system', content: 'be brief' }, ...messages, { role: 'assistant', content: '' }, ...messages]);
});

it('I4: an answer is taken back as client libraries send it on the next turn', () => {
  const answered = { role: 'assistant', content: 'Paris.', refusal: null, annotations: [], audio: null, function_call: null, tool_calls: [] };
  expect(parseChatRequest({ model: 'm', messages: [...messages, answered, ...messages] }).messages).toEqual([...messages, { role: 'assistant', content: 'Paris.' }, ...messages]);
  expect(parseChatRequest({ model: 'm', messages: [...messages, { role: 'assistant', content: null }, ...messages] }).messages[1]).toEqual({ role: 'assistant', content: '' });
});

it('I3: what a client says of itself, and what asks for nothing, changes nothing', () => {
  const habits = { user: 'ann', safety_identifier: 'a1', prompt_cache_key: 'k', prompt_cache_retention: 'in_memory', store: false, metadata: {}, service_tier: 'auto', verbosity: 'medium', parallel_tool_calls: true, stream_options: { include_obfuscation: false } };
  expect(parseChatRequest({ model: 'm', messages, ...habits })).toEqual(parseChatRequest({ model: 'm', messages }));
});

it('a stop string alone is a list of one', () => {
  expect(parseChatRequest({ model: 'm', messages, stop: '\n' }).stop).toEqual(['\n']);
});

it(`whatever is sent, it is taken or refused by name: nothing else is thrown (seed ${SEED})`, () => {
  const field = fc.constantFrom('model', 'messages', 'stream', 'stop', 'n', 'tools', 'temperature', 'max_tokens', 'seed', 'logit_bias', 'toString', 'hasOwnProperty', 'x');
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.dictionary(field, fc.anything())), (body) => {
      try {
        parseChatRequest(body);
      } catch (error) {
        expect(error).toBeInstanceOf(IntakeError);
        expect((error as IntakeError).fields['param']).toEqual(expect.any(String));
      }
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

it('takes our own part: the assurance and a commitment to a nonce (SPEC A1), and nothing else in it', () => {
  const nonce_commitment = 'a1'.repeat(32);
  expect(parseChatRequest({ model: 'm', messages, ciro: { assurance: 'checked', nonce_commitment } })).toMatchObject({ assurance: 'checked', nonceCommitment: nonce_commitment });
  expect(parseChatRequest({ model: 'm', messages, ciro: null })).toMatchObject({ assurance: 'stream', nonceCommitment: null });
  expect(() => parseChatRequest({ model: 'm', messages, ciro: { nonce: 'x' } })).toThrow(expect.objectContaining({ code: 'unknown_parameter', fields: { param: 'ciro.nonce' } }));
  expect(() => parseChatRequest({ model: 'm', messages, ciro: { assurance: 'blind' } })).toThrow(expect.objectContaining({ code: 'invalid_value', fields: { param: 'ciro.assurance' } }));
  expect(() => parseChatRequest({ model: 'm', messages, ciro: { nonce_commitment: nonce_commitment.toUpperCase() } })).toThrow(expect.objectContaining({ code: 'invalid_value', fields: { param: 'ciro.nonce_commitment' } }));
  expect(() => parseChatRequest({ model: 'm', messages, ciro: 'checked' })).toThrow(expect.objectContaining({ code: 'invalid_value', fields: { param: 'ciro' } }));
});

it('N1: takes an escrow with its salt, and neither alone', () => {
  const [escrow, salt] = ['0x7a5', '0a'.repeat(32)];
  expect(parseChatRequest({ model: 'm', messages, ciro: { escrow, escrow_salt: salt } }).escrow).toEqual({ escrow, salt });
  for (const ciro of [{ escrow }, { escrow_salt: salt }]) expect(() => parseChatRequest({ model: 'm', messages, ciro })).toThrow(expect.objectContaining({ code: 'missing_required_parameter' }));
  for (const ciro of [{ escrow: '0x0', escrow_salt: salt }, { escrow: '7a5', escrow_salt: salt }, { escrow, escrow_salt: '0A'.repeat(32) }]) expect(() => parseChatRequest({ model: 'm', messages, ciro })).toThrow(expect.objectContaining({ code: 'invalid_value' }));
});
