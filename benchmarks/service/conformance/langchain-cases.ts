import { AIMessage, HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
import { check, checkUsage, same, thrownBy, TOOL } from './case.ts';
import type { ConformanceCase, Service, UsageNumbers } from './case.ts';

const MAX_TOKENS = 8;

const chatOf = ({ baseURL, key, model }: Service, fields: object = {}): ChatOpenAI =>
  new ChatOpenAI({ model, apiKey: key, configuration: { baseURL }, maxTokens: MAX_TOKENS, temperature: 0, maxRetries: 0, ...fields });

const textOf = ({ content }: { readonly content: unknown }): string => (typeof content === 'string' ? content : '');

function usageOf(message: unknown): UsageNumbers {
  const { usage_metadata: usage } = (message ?? {}) as { readonly usage_metadata?: { readonly input_tokens: number; readonly output_tokens: number; readonly total_tokens: number } };
  return { prompt: usage?.input_tokens, completion: usage?.output_tokens, total: usage?.total_tokens };
}

export const langchainCases: readonly ConformanceCase[] = [
  {
    name: 'invoke, usage',
    run: async (service) => {
      const answer = await chatOf(service).invoke('Say hello');
      check(textOf(answer) !== '', 'the answer is empty');
      return checkUsage(usageOf(answer));
    },
  },
  { name: 'system', run: async (service) => check(textOf(await chatOf(service).invoke([new SystemMessage('Be brief.'), new HumanMessage('Say hello')])) !== '', 'the answer is empty') },
  {
    name: 'multi-turn with the message as it came',
    run: async (service) => {
      const question = new HumanMessage('Say hello');
      const first = await chatOf(service).invoke([question]);
      check(first instanceof AIMessage, 'the answer is no AIMessage');
      check(textOf(await chatOf(service).invoke([question, first, new HumanMessage('Again')])) !== '', 'the answer is empty');
    },
  },
  {
    name: 'stream',
    run: async (service) => {
      let text = '';
      for await (const chunk of await chatOf(service).stream('Say hello')) text += textOf(chunk);
      same(text, textOf(await chatOf(service).invoke('Say hello')), 'the streamed text');
    },
  },
  {
    name: 'stream, usage',
    run: async (service) => {
      let last: unknown;
      for await (const chunk of await chatOf(service, { streamUsage: true }).stream('Say hello')) if (chunk.usage_metadata !== undefined) last = chunk;
      return checkUsage(usageOf(last));
    },
  },
  { name: 'batch', run: async (service) => same((await chatOf(service).batch(['Say hello', 'Say hi'])).filter((answer) => textOf(answer) !== '').length, 2, 'answers') },
  {
    name: 'stop',
    run: async (service) => {
      const whole = textOf(await chatOf(service).invoke('Say hello'));
      const stop = whole.slice(2, 4);
      same(textOf(await chatOf(service).invoke('Say hello', { stop: [stop] })), whole.slice(0, whole.indexOf(stop)), 'the cut text');
    },
  },
  {
    name: 'refused: tools',
    run: async (service) => {
      const error = await thrownBy(() => chatOf(service).bindTools([TOOL]).invoke('Say hello'));
      check(error instanceof Error && 'code' in error && error.code === 'unsupported_parameter', `it threw ${String(error)}`);
    },
  },
  {
    name: 'refused: JSON mode',
    run: async (service) => {
      const error = await thrownBy(() => chatOf(service).invoke('Say hello', { response_format: { type: 'json_object' } }));
      check(error instanceof Error && 'code' in error && error.code === 'unsupported_parameter', `it threw ${String(error)}`);
    },
  },
  {
    name: 'refused: unknown model',
    run: async (service) => {
      const error = await thrownBy(() => chatOf({ ...service, model: 'llama-7' }).invoke('Say hello'));
      check(error instanceof Error && 'status' in error && error.status === 404, `it threw ${String(error)}`);
    },
  },
  {
    name: 'completions',
    run: async ({ baseURL, key, model }) => check((await new OpenAI({ model, apiKey: key, configuration: { baseURL }, maxTokens: MAX_TOKENS, temperature: 0, maxRetries: 0 }).invoke('Once upon a time')) !== '', 'the text is empty'),
  },
  {
    name: 'responses',
    run: async (service) => check((await chatOf(service, { useResponsesApi: true }).invoke('Say hello')).text !== '', 'the answer is empty'),
  },
  {
    name: 'abort of a stream',
    run: async (service) => {
      const stop = new AbortController();
      await thrownBy(async () => {
        for await (const _ of await chatOf(service).stream('Say hello', { signal: stop.signal })) stop.abort();
      });
      check(textOf(await chatOf(service).invoke('Say hello')) !== '', 'the next answer is empty');
    },
  },
];
