import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, streamText, tool } from 'ai';
import { check, checkUsage, same, thrownBy } from './case.ts';
import type { ModelMessage } from 'ai';
import type { ConformanceCase, Service } from './case.ts';

const providerOf = ({ baseURL, key }: Service) => createOpenAICompatible({ name: 'ciro', baseURL, apiKey: key, includeUsage: true });
const hello = (service: Service) => ({ model: providerOf(service).chatModel(service.model), prompt: 'Say hello', maxOutputTokens: 8, temperature: 0, maxRetries: 0 });

export const aiSdkCases: readonly ConformanceCase[] = [
  {
    name: 'generateText, usage',
    run: async (service) => {
      const { text, usage, finishReason } = await generateText(hello(service));
      check(text !== '', 'the answer is empty');
      check(finishReason === 'stop' || finishReason === 'length', `the finish reason is ${finishReason}`);
      return checkUsage({ prompt: usage.inputTokens, completion: usage.outputTokens, total: usage.totalTokens });
    },
  },
  { name: 'system', run: async (service) => check((await generateText({ ...hello(service), instructions: 'Be brief.' })).text !== '', 'the answer is empty') },
  {
    name: 'multi-turn with the messages as they came',
    run: async (service) => {
      const { prompt, ...settings } = hello(service);
      const question: ModelMessage = { role: 'user', content: prompt };
      const first = await generateText({ ...settings, messages: [question] });
      const second = await generateText({ ...settings, messages: [question, ...first.response.messages, { role: 'user', content: 'Again' }] });
      check((second.usage.inputTokens ?? 0) > (first.usage.inputTokens ?? 0), 'the second prompt is no longer than the first');
    },
  },
  {
    name: 'streamText, usage',
    run: async (service) => {
      const result = streamText(hello(service));
      let text = '';
      for await (const piece of result.textStream) text += piece;
      same(text, (await generateText(hello(service))).text, 'the streamed text');
      const usage = await result.usage;
      return checkUsage({ prompt: usage.inputTokens, completion: usage.outputTokens, total: usage.totalTokens });
    },
  },
  {
    name: 'stopSequences',
    run: async (service) => {
      const { text: whole } = await generateText(hello(service));
      const stop = whole.slice(2, 4);
      same((await generateText({ ...hello(service), stopSequences: [stop] })).text, whole.slice(0, whole.indexOf(stop)), 'the cut text');
    },
  },
  {
    name: 'seed and topP repeat',
    run: async (service) => {
      const drawn = async () => (await generateText({ ...hello(service), temperature: 1, topP: 0.9, seed: 7 })).text;
      same(await drawn(), await drawn(), 'the second answer');
    },
  },
  {
    name: 'refused: tools',
    run: async (service) => {
      const weather = tool({ description: 'The weather of a town', inputSchema: jsonSchema({ type: 'object', properties: { town: { type: 'string' } } }), execute: async () => 'mild' });
      const error = await thrownBy(() => generateText({ ...hello(service), tools: { weather } }));
      check(APICallError.isInstance(error) && error.statusCode === 400, `it threw ${String(error)}`);
      check(error.message.includes('tools'), `it says ${error.message}`);
    },
  },
  {
    name: 'refused: unknown model',
    run: async (service) => {
      const error = await thrownBy(() => generateText(hello({ ...service, model: 'llama-7' })));
      check(APICallError.isInstance(error) && error.statusCode === 404 && !error.isRetryable, `it threw ${String(error)}`);
    },
  },
  {
    name: 'completions',
    run: async (service) => check((await generateText({ ...hello(service), model: providerOf(service).completionModel(service.model) })).text !== '', 'the text is empty'),
  },
  {
    name: 'abort of a stream',
    run: async (service) => {
      const stop = new AbortController();
      const result = streamText({ ...hello(service), abortSignal: stop.signal, onError: () => undefined });
      for await (const part of result.fullStream) if (part.type === 'text-delta') stop.abort();
      check((await generateText(hello(service))).text !== '', 'the next answer is empty');
    },
  },
];
