import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { check, same } from './case.ts';
import type { ConformanceCase, Service } from './case.ts';

const run = promisify(execFile);
/** Seconds for one call. */
const MAX_TIME_S = '120';

/** What curl prints: the body, then the status on a line of its own. */
async function curl({ key }: Service, url: string, ...options: string[]): Promise<{ readonly body: string; readonly status: string }> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--max-time', MAX_TIME_S, '--write-out', '\n%{http_code}', '--header', `Authorization: Bearer ${key}`, ...options, url]);
  const cut = stdout.lastIndexOf('\n');
  return { body: stdout.slice(0, cut), status: stdout.slice(cut + 1) };
}

const post = (service: Service, body: string, ...options: string[]) => curl(service, `${service.baseURL}/chat/completions`, '--header', 'Content-Type: application/json', '--data', body, ...options);
const hello = ({ model }: Service, more: object = {}): string => JSON.stringify({ model, messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 4, ...more });

export const curlCases: readonly ConformanceCase[] = [
  {
    name: 'models',
    run: async (service) => {
      const { body, status } = await curl(service, `${service.baseURL}/models`);
      same(status, '200', 'status');
      check(body.includes(service.model), `${service.model} is not listed`);
    },
  },
  {
    name: 'chat',
    run: async (service) => {
      const { body, status } = await post(service, hello(service));
      same(status, '200', 'status');
      same((JSON.parse(body) as { object: unknown }).object, 'chat.completion', 'object');
    },
  },
  {
    name: 'stream',
    run: async (service) => {
      const { body, status } = await post(service, hello(service, { stream: true }), '--no-buffer');
      same(status, '200', 'status');
      check(body.trimEnd().endsWith('data: [DONE]'), 'the stream does not end with [DONE]');
    },
  },
  {
    name: 'malformed body',
    run: async (service) => {
      const { body, status } = await post(service, '{"model"');
      same(status, '400', 'status');
      check(body.includes('"invalid_json"'), `it says ${body}`);
    },
  },
];
