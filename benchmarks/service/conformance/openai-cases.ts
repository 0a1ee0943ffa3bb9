import OpenAI from 'openai';
import { check, checkUsage, same, thrownBy } from './case.ts';
import { clientOf } from './openai-client.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiRefusals } from './openai-refusals.ts';
import { openaiResponses } from './openai-responses.ts';
import type { ConformanceCase, Service } from './case.ts';

const HELLO = [{ role: 'user' as const, content: 'Say hello' }];
/** Long enough to have a middle, short enough to be drawn in a moment. */
const SHORT = 8;

const usageOf = (usage: OpenAI.CompletionUsage | null | undefined) => ({ prompt: usage?.prompt_tokens, completion: usage?.completion_tokens, total: usage?.total_tokens });

async function ask(service: Service, body: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}): Promise<OpenAI.ChatCompletion> {
  return clientOf(service).chat.completions.create({ model: service.model, messages: HELLO, max_tokens: SHORT, temperature: 0, ...body });
}

async function chunksOf(service: Service, body: Partial<OpenAI.ChatCompletionCreateParamsStreaming> = {}): Promise<OpenAI.ChatCompletionChunk[]> {
  const stream = await clientOf(service).chat.completions.create({ model: service.model, messages: HELLO, max_tokens: SHORT, temperature: 0, ...body, stream: true });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (answer: OpenAI.ChatCompletion): string => answer.choices[0]?.message.content ?? '';
const streamed = (chunks: readonly OpenAI.ChatCompletionChunk[]): string => chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');

/** The official package. */
export const openaiCases: readonly ConformanceCase[] = [
  {
    name: 'models.list',
    run: async (service) => {
      const { data } = await clientOf(service).models.list();
      check(data.some(({ id, object }) => id === service.model && object === 'model'), `${service.model} is not listed`);
    },
  },
  { name: 'models.retrieve', run: async (service) => same((await clientOf(service).models.retrieve(service.model)).id, service.model, 'id') },
  {
    name: 'models.retrieve of none',
    run: async (service) => {
      const error = await thrownBy(() => clientOf(service).models.retrieve('gpt-7'));
      check(error instanceof OpenAI.NotFoundError && error.code === 'model_not_found', `it threw ${String(error)}`);
    },
  },
  {
    name: 'basic',
    run: async (service) => {
      const answer = await ask(service);
      same(answer.object, 'chat.completion', 'object');
      same(answer.choices.length, 1, 'choices');
      same(answer.choices[0]?.message.role, 'assistant', 'role');
      check(textOf(answer) !== '', 'the answer is empty');
      check(['stop', 'length'].includes(answer.choices[0]?.finish_reason ?? ''), 'no finish_reason');
    },
  },
  { name: 'usage', run: async (service) => checkUsage(usageOf((await ask(service)).usage)) },
  { name: 'system', run: async (service) => check(textOf(await ask(service, { messages: [{ role: 'system', content: 'Be brief.' }, ...HELLO] })) !== '', 'the answer is empty') },
  {
    name: 'multi-turn with the message as it came',
    run: async (service) => {
      const first = await ask(service, { max_tokens: 4 });
      const message = first.choices[0]?.message;
      check(message !== undefined, 'no message');
      const second = await ask(service, { messages: [...HELLO, message, { role: 'user', content: 'Again' }], max_tokens: 4 });
      check((second.usage?.prompt_tokens ?? 0) > (first.usage?.prompt_tokens ?? 0), 'the second prompt is no longer than the first');
    },
  },
  {
    name: 'stream',
    run: async (service) => {
      const chunks = await chunksOf(service);
      same(chunks[0]?.choices[0]?.delta.role, 'assistant', 'role of the first chunk');
      check(chunks.slice(1).every(({ choices }) => choices[0]?.delta.role === undefined), 'a later chunk has a role');
      const reasons = chunks.map(({ choices }) => choices[0]?.finish_reason ?? null);
      same(reasons.findIndex((reason) => reason !== null), chunks.length - 1, 'place of the only finish_reason');
      same(new Set(chunks.map(({ id }) => id)).size, 1, 'ids');
      same(streamed(chunks), textOf(await ask(service)), 'the streamed text');
    },
  },
  {
    name: 'stream with include_usage',
    run: async (service) => {
      const chunks = await chunksOf(service, { stream_options: { include_usage: true } });
      const last = chunks.at(-1);
      same(last?.choices.length, 0, 'choices of the usage chunk');
      check(chunks.slice(0, -1).every(({ usage }) => usage == null), 'usage in an earlier chunk');
      return checkUsage(usageOf(last?.usage));
    },
  },
  {
    name: 'stream helper',
    run: async (service) => {
      const stream = clientOf(service).chat.completions.stream({ model: service.model, messages: HELLO, max_tokens: SHORT, temperature: 0 });
      same(await stream.finalContent(), textOf(await ask(service)), 'the final text');
    },
  },
  {
    name: 'max_tokens',
    run: async (service) => {
      const answer = await ask(service, { max_tokens: 2 });
      same(answer.usage?.completion_tokens, 2, 'completion tokens');
      same(answer.choices[0]?.finish_reason, 'length', 'finish_reason');
    },
  },
  { name: 'max_completion_tokens', run: async (service) => same((await ask(service, { max_tokens: null, max_completion_tokens: 3 })).usage?.completion_tokens, 3, 'completion tokens') },
  {
    name: 'temperature 0 repeats',
    run: async (service) => same(textOf(await ask(service)), textOf(await ask(service)), 'the second answer'),
  },
  { name: 'top_p', run: async (service) => check(textOf(await ask(service, { temperature: 1, top_p: 0.9 })) !== '', 'the answer is empty') },
  {
    name: 'seed repeats',
    run: async (service) => {
      const drawn = () => ask(service, { temperature: 1, seed: 7 });
      same(textOf(await drawn()), textOf(await drawn()), 'the second answer');
    },
  },
  {
    name: 'stop',
    run: async (service) => {
      const whole = textOf(await ask(service));
      const stop = whole.slice(2, 4);
      const answer = await ask(service, { stop: [stop] });
      same(textOf(answer), whole.slice(0, whole.indexOf(stop)), `the text before ${JSON.stringify(stop)}`);
      same(answer.choices[0]?.finish_reason, 'stop', 'finish_reason');
    },
  },
  {
    name: 'abort of a stream',
    run: async (service) => {
      const stop = new AbortController();
      const stream = await clientOf(service).chat.completions.create({ model: service.model, messages: HELLO, max_tokens: 16, stream: true }, { signal: stop.signal });
      for await (const _ of stream) {
        stop.abort();
        break;
      }
      check(textOf(await ask(service)) !== '', 'the next answer is empty');
    },
  },
  {
    name: 'a client that names its user',
    run: async (service) => check(textOf(await ask(service, { user: 'ann', safety_identifier: 'a1', prompt_cache_key: 'k' })) !== '', 'the answer is empty'),
  },
  {
    name: 'x-request-id',
    run: async (service) => {
      const { request_id } = await clientOf(service).chat.completions.create({ model: service.model, messages: HELLO, max_tokens: 1 }).withResponse();
      check(request_id !== null && request_id !== '', 'the answer has none');
    },
  },
  ...openaiRefusals,
  ...openaiCompletions,
  ...openaiResponses,
];
