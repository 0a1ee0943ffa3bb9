import OpenAI from 'openai';
import { check, same, thrownBy } from './case.ts';
import type { ConformanceCase, Service } from './case.ts';

export const clientOf = ({ baseURL, key }: Service): OpenAI => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });

/** What has to be refused with 400: name, what is added to a fine body, code, param. */
export type Refused = readonly (readonly [name: string, body: Record<string, unknown>, code: string, param: string])[];

/** Cases of bodies that are wrong or not carried out: refused in the client's own error class, never ignored. */
export function refusalCases(what: string, refused: Refused, create: (service: Service, body: Record<string, unknown>) => Promise<unknown>): readonly ConformanceCase[] {
  return refused.map(([name, body, code, param]) => ({
    name: `${what} refused: ${name}`,
    run: async (service) => {
      const error = await thrownBy(() => create(service, body));
      check(error instanceof OpenAI.BadRequestError, `it threw ${String(error)}`);
      same(error.code, code, 'code');
      same(error.param, param, 'param');
      same(error.type, 'invalid_request_error', 'type');
    },
  }));
}
