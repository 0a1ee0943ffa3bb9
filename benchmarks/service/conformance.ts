import OpenAI from 'openai';
import { aiSdkCases } from './conformance/ai-sdk-cases.ts';
import { curlCases } from './conformance/curl-cases.ts';
import { langchainCases } from './conformance/langchain-cases.ts';
import { openaiCases } from './conformance/openai-cases.ts';
import { wireCases } from './conformance/wire-cases.ts';
import type { ConformanceCase, Service } from './conformance/case.ts';

/** One case waits this long: a real model over tabs on a full machine takes seconds a call, and a case makes a few. */
const CASE_TIMEOUT_MS = 180_000;

export interface ConformanceRow {
  readonly client: string;
  readonly case: string;
  readonly ok: boolean;
  /** What was wrong, or a remark. */
  readonly detail: string;
}

export const CONFORMANCE: Readonly<Record<string, readonly ConformanceCase[]>> = {
  openai: openaiCases,
  '@langchain/openai': langchainCases,
  'ai + @ai-sdk/openai-compatible': aiSdkCases,
  fetch: wireCases,
  curl: curlCases,
};

/**
 * Runs what official clients rely on against a served API, one case after the other; never throws for a case. `baseURL` ends in `/v1`; the first
 * model that is listed is asked. `say` hears each row as it comes.
 */
export async function runConformance(baseURL: string, key: string, say: (row: ConformanceRow) => void = () => undefined): Promise<readonly ConformanceRow[]> {
  const [first] = (await new OpenAI({ baseURL, apiKey: key }).models.list()).data;
  if (first === undefined) throw new Error(`${baseURL} lists no model; serve one`);
  const service: Service = { baseURL, key, model: first.id };
  const rows: ConformanceRow[] = [];
  for (const [client, cases] of Object.entries(CONFORMANCE)) {
    for (const each of cases) {
      const row = { client, case: each.name, ...(await outcomeOf(each, service)) };
      rows.push(row);
      say(row);
    }
  }
  return rows;
}

async function outcomeOf({ run }: ConformanceCase, service: Service): Promise<Pick<ConformanceRow, 'ok' | 'detail'>> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no end within ${CASE_TIMEOUT_MS / 1000} s`)), CASE_TIMEOUT_MS);
  try {
    return { ok: true, detail: (await Promise.race([run(service), late.promise])) ?? '' };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
