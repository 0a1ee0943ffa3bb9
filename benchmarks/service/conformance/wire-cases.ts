import { check, same } from './case.ts';
import type { ConformanceCase, Service } from './case.ts';

const HELLO = { messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 8, temperature: 0 };

function post({ baseURL, key }: Service, body: unknown): Promise<Response> {
  return fetch(`${baseURL}/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

const stream = (service: Service, options: object = {}): Promise<Response> => post(service, { model: service.model, ...HELLO, stream: true, ...options });
/** Payloads of a stream, in order. */
const payloadsOf = async (response: Response): Promise<string[]> => (await response.text()).split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice('data: '.length)] : []));

interface ErrorBody {
  readonly error?: { readonly message?: unknown; readonly type?: unknown; readonly param?: unknown; readonly code?: unknown };
}

/** Without any client library: what stands on the wire. */
export const wireCases: readonly ConformanceCase[] = [
  {
    name: 'stream headers',
    run: async (service) => {
      const response = await stream(service);
      await response.text();
      same(response.status, 200, 'status');
      check(response.headers.get('content-type')?.startsWith('text/event-stream') === true, 'the content type is no event stream');
      same(response.headers.get('cache-control'), 'no-store', 'cache-control');
    },
  },
  {
    name: 'stream ends with [DONE]',
    run: async (service) => {
      const payloads = await payloadsOf(await stream(service));
      same(payloads.at(-1), '[DONE]', 'the last event');
      same(payloads.filter((payload) => payload === '[DONE]').length, 1, 'number of [DONE]');
    },
  },
  {
    name: 'stream order: role, text, finish, usage',
    run: async (service) => {
      const chunks = (await payloadsOf(await stream(service, { stream_options: { include_usage: true } }))).slice(0, -1).map((payload) => JSON.parse(payload) as { choices: { delta: Record<string, unknown>; finish_reason: string | null }[]; usage: unknown });
      same(JSON.stringify(chunks[0]?.choices[0]?.delta), JSON.stringify({ role: 'assistant', content: '' }), 'the first delta');
      check(chunks.slice(1, -2).every(({ choices }) => JSON.stringify(Object.keys(choices[0]?.delta ?? {})) === '["content"]'), 'a delta in the middle is not text alone');
      same(JSON.stringify(chunks.at(-2)?.choices[0]?.delta), '{}', 'the finishing delta');
      same(JSON.stringify(chunks.at(-1)?.choices), '[]', 'choices of the usage chunk');
    },
  },
  {
    name: 'stream timing: the role comes before the end',
    run: async (service) => {
      const begun = performance.now();
      const response = await stream(service);
      const times: number[] = [];
      for await (const _ of response.body ?? []) times.push(performance.now() - begun);
      check(times.length > 1, 'all came at once');
      return `first after ${Math.round(times[0] ?? 0)} ms, whole after ${Math.round(times.at(-1) ?? 0)} ms, in ${times.length} pieces`;
    },
  },
  {
    name: 'malformed body',
    run: async (service) => {
      const response = await post(service, '{"model":');
      const { error } = (await response.json()) as ErrorBody;
      same(response.status, 400, 'status');
      same(error?.code, 'invalid_json', 'code');
      check(typeof error?.message === 'string' && error.type === 'invalid_request_error' && error.param === null, 'the error is in another shape');
    },
  },
  {
    name: 'tracking_url leads to the job',
    run: async (service) => {
      const { ciro } = (await (await post(service, { model: service.model, ...HELLO })).json()) as { ciro: { tracking_url: string; job: string } };
      const status = await fetch(ciro.tracking_url, { headers: { authorization: `Bearer ${service.key}` } });
      same(status.status, 200, 'status');
      same(((await status.json()) as { id: unknown }).id, ciro.job, 'id');
    },
  },
];
