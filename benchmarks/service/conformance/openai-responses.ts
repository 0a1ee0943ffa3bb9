import { check, checkUsage, same } from './case.ts';
import { clientOf, refusalCases } from './openai-client.ts';
import type OpenAI from 'openai';
import type { ConformanceCase, Service } from './case.ts';
import type { Refused } from './openai-client.ts';

const REFUSED: Refused = [
  ['no input', { input: undefined }, 'missing_required_parameter', 'input'],
  ['previous_response_id', { previous_response_id: 'resp_1' }, 'unsupported_parameter', 'previous_response_id'],
  ['conversation', { conversation: 'conv_1' }, 'unsupported_parameter', 'conversation'],
  ['tools', { tools: [{ type: 'web_search' }] }, 'unsupported_parameter', 'tools'],
  ['store', { store: true }, 'unsupported_parameter', 'store'],
  ['background', { background: true }, 'unsupported_parameter', 'background'],
  ['a JSON schema', { text: { format: { type: 'json_schema', name: 'x', schema: {} } } }, 'unsupported_parameter', 'text'],
  ['reasoning', { reasoning: { effort: 'high' } }, 'unsupported_parameter', 'reasoning'],
  ['a field that does not exist', { max_tokens: 5 }, 'unknown_parameter', 'max_tokens'],
];

/** Events of a streamed response with one message of one text, without the deltas. */
const EVENTS = ['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta', 'response.output_text.done', 'response.content_part.done', 'response.output_item.done'];

type Body = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>;

const respond = (service: Service, body: Body = {}): Promise<OpenAI.Responses.Response> => clientOf(service).responses.create({ model: service.model, input: 'Say hello', max_output_tokens: 6, temperature: 0, ...body });

export const openaiResponses: readonly ConformanceCase[] = [
  {
    name: 'responses',
    run: async (service) => {
      const response = await respond(service);
      check(response.output_text !== '', 'the text is empty');
      check(response.status === 'completed' || response.incomplete_details?.reason === 'max_output_tokens', `the status is ${response.status}`);
      return checkUsage({ prompt: response.usage?.input_tokens, completion: response.usage?.output_tokens, total: response.usage?.total_tokens });
    },
  },
  {
    name: 'responses, instructions and a list',
    run: async (service) => check((await respond(service, { instructions: 'Be brief.', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Say hello' }] }] })).output_text !== '', 'the text is empty'),
  },
  {
    name: 'responses, multi-turn with the output as it came',
    run: async (service) => {
      const first = await respond(service, { max_output_tokens: 4 });
      const second = await respond(service, { input: [{ role: 'user', content: 'Say hello' }, ...first.output, { role: 'user', content: 'Again' }] as OpenAI.Responses.ResponseInput, max_output_tokens: 4 });
      check((second.usage?.input_tokens ?? 0) > (first.usage?.input_tokens ?? 0), 'the second prompt is no longer than the first');
    },
  },
  {
    name: 'responses, incomplete at max_output_tokens',
    run: async (service) => {
      const response = await respond(service, { max_output_tokens: 2 });
      same(response.status, 'incomplete', 'status');
      same(response.incomplete_details?.reason, 'max_output_tokens', 'reason');
    },
  },
  {
    name: 'responses, stream',
    run: async (service) => {
      const types: string[] = [];
      let [text, numbers] = ['', 0];
      for await (const event of await clientOf(service).responses.create({ model: service.model, input: 'Say hello', max_output_tokens: 6, temperature: 0, stream: true })) {
        same(event.sequence_number, numbers++, 'sequence_number');
        if (event.type !== types.at(-1)) types.push(event.type);
        if (event.type === 'response.output_text.delta') text += event.delta;
        if (event.type === 'response.completed' || event.type === 'response.incomplete') check((event.response.usage?.output_tokens ?? 0) > 0, 'no usage at the end');
      }
      same(types.slice(0, -1).join(), EVENTS.join(), 'the events');
      check(types.at(-1) === 'response.completed' || types.at(-1) === 'response.incomplete', `the last event is ${types.at(-1)}`);
      same(text, (await respond(service)).output_text, 'the streamed text');
    },
  },
  {
    name: 'responses, stream helper',
    run: async (service) => {
      const stream = clientOf(service).responses.stream({ model: service.model, input: 'Say hello', max_output_tokens: 6, temperature: 0 });
      same((await stream.finalResponse()).output_text, (await respond(service)).output_text, 'the final text');
    },
  },
  ...refusalCases('responses', REFUSED, (service, body) => respond(service, body as Body)),
];
