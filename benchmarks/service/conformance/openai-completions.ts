import { check, checkUsage, same } from './case.ts';
import { clientOf, refusalCases } from './openai-client.ts';
import type OpenAI from 'openai';
import type { ConformanceCase, Service } from './case.ts';
import type { Refused } from './openai-client.ts';

const REFUSED: Refused = [
  ['no prompt', { prompt: undefined }, 'missing_required_parameter', 'prompt'],
  ['an empty prompt', { prompt: '' }, 'empty_prompt', 'prompt'],
  ['two prompts', { prompt: ['a', 'b'] }, 'unsupported_parameter', 'prompt'],
  ['echo', { echo: true }, 'unsupported_parameter', 'echo'],
  ['suffix', { suffix: 'end' }, 'unsupported_parameter', 'suffix'],
  ['best_of', { best_of: 2 }, 'unsupported_parameter', 'best_of'],
  ['logprobs', { logprobs: 1 }, 'unsupported_parameter', 'logprobs'],
  ['n of 2', { n: 2 }, 'unsupported_parameter', 'n'],
];

type Body = Partial<OpenAI.CompletionCreateParamsNonStreaming>;

const complete = (service: Service, body: Body = {}): Promise<OpenAI.Completion> => clientOf(service).completions.create({ model: service.model, prompt: 'Once upon a time', max_tokens: 6, temperature: 0, ...body });
const textOf = ({ choices }: Pick<OpenAI.Completion, 'choices'>): string => choices[0]?.text ?? '';

export const openaiCompletions: readonly ConformanceCase[] = [
  {
    name: 'completions',
    run: async (service) => {
      const answer = await complete(service);
      same(answer.object, 'text_completion', 'object');
      check(textOf(answer) !== '', 'the text is empty');
      return checkUsage({ prompt: answer.usage?.prompt_tokens, completion: answer.usage?.completion_tokens, total: answer.usage?.total_tokens });
    },
  },
  { name: 'completions of a list of one', run: async (service) => same(textOf(await complete(service, { prompt: ['Once upon a time'] })), textOf(await complete(service)), 'the text') },
  { name: 'completions of token ids', run: async (service) => same((await complete(service, { prompt: [5, 6, 7] })).usage?.prompt_tokens, 3, 'prompt tokens') },
  {
    name: 'completions, stop',
    run: async (service) => {
      const whole = textOf(await complete(service));
      const stop = whole.slice(2, 4);
      same(textOf(await complete(service, { stop })), whole.slice(0, whole.indexOf(stop)), 'the cut text');
    },
  },
  {
    name: 'completions, stream and usage',
    run: async (service) => {
      const stream = await clientOf(service).completions.create({ model: service.model, prompt: 'Once upon a time', max_tokens: 6, temperature: 0, stream: true, stream_options: { include_usage: true } });
      const chunks: OpenAI.Completion[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      same(chunks.map(textOf).join(''), textOf(await complete(service)), 'the streamed text');
      check(['stop', 'length'].includes(chunks.at(-2)?.choices[0]?.finish_reason ?? ''), 'no finish_reason before the usage');
      const usage = chunks.at(-1)?.usage;
      return checkUsage({ prompt: usage?.prompt_tokens, completion: usage?.completion_tokens, total: usage?.total_tokens });
    },
  },
  ...refusalCases('completions', REFUSED, (service, body) => complete(service, body as Body)),
];
