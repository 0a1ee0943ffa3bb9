import OpenAI from 'openai';
import { check, thrownBy, TOOL } from './case.ts';
import { clientOf, refusalCases } from './openai-client.ts';
import type { ConformanceCase, Service } from './case.ts';
import type { Refused } from './openai-client.ts';

type Body = Record<string, unknown>;

const REFUSED: Refused = [
  ['missing messages', { messages: undefined }, 'missing_required_parameter', 'messages'],
  ['no messages', { messages: [] }, 'invalid_value', 'messages'],
  ['tools', { tools: [TOOL] }, 'unsupported_parameter', 'tools'],
  ['tool_choice required', { tool_choice: 'required' }, 'unsupported_parameter', 'tool_choice'],
  ['tool_choice by name', { tool_choice: { type: 'function', function: { name: 'weather' } } }, 'unsupported_parameter', 'tool_choice'],
  ['functions', { functions: [TOOL.function] }, 'unsupported_parameter', 'functions'],
  ['tool message', { messages: [{ role: 'tool', tool_call_id: 'a', content: 'x' }] }, 'unsupported_parameter', 'messages[0].role'],
  ['tool calls of an answer', { messages: [{ role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'weather', arguments: '{}' } }] }] }, 'unsupported_parameter', 'messages[0].tool_calls'],
  ['response_format json_object', { response_format: { type: 'json_object' } }, 'unsupported_parameter', 'response_format'],
  ['response_format json_schema', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } }, 'unsupported_parameter', 'response_format'],
  ['n of 2', { n: 2 }, 'unsupported_parameter', 'n'],
  ['logprobs', { logprobs: true }, 'unsupported_parameter', 'logprobs'],
  ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }] }, 'unsupported_parameter', 'messages[0].content'],
  ['temperature of 3', { temperature: 3 }, 'invalid_value', 'temperature'],
  ['a field that does not exist', { max_length: 5 }, 'unknown_parameter', 'max_length'],
];

const create = (service: Service, body: Body): Promise<unknown> =>
  clientOf(service).chat.completions.create({ model: service.model, messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 2, ...body } as OpenAI.ChatCompletionCreateParams);

/** What is wrong or not carried out is refused in the client's own error classes, never ignored. */
export const openaiRefusals: readonly ConformanceCase[] = [
  ...refusalCases('chat', REFUSED, create),
  {
    name: 'chat refused: unknown model',
    run: async (service) => {
      const error = await thrownBy(() => create(service, { model: 'gpt-7' }));
      check(error instanceof OpenAI.NotFoundError && error.code === 'model_not_found', `it threw ${String(error)}`);
    },
  },
  {
    name: 'chat refused: unknown key',
    run: async (service) => {
      const error = await thrownBy(() => create({ ...service, key: 'ciro-sk-nobody' }, {}));
      check(error instanceof OpenAI.AuthenticationError && error.code === 'invalid_api_key', `it threw ${String(error)}`);
    },
  },
];
