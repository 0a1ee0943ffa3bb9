/** A served API. */
export interface Service {
  /** Ends in `/v1`. */
  readonly baseURL: string;
  readonly key: string;
  /** Name of a model that is served. */
  readonly model: string;
}

/** One behaviour that a client relies on; throws what is wrong, may return a remark. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (service: Service) => Promise<string | void>;
}

/** Throws unless it holds. */
export function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
}

/** What `work` throws; throws itself when it does not. */
export async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await work();
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown; it gave ${JSON.stringify(value)?.slice(0, 200)}`);
}

export interface UsageNumbers {
  readonly prompt: number | undefined;
  readonly completion: number | undefined;
  readonly total: number | undefined;
}

/** A prompt and an answer have tokens, and they add up. */
export function checkUsage({ prompt, completion, total }: UsageNumbers): string {
  check(prompt !== undefined && prompt > 0, `prompt tokens are ${prompt}`);
  check(completion !== undefined && completion > 0, `completion tokens are ${completion}`);
  same(total, prompt + completion, 'total tokens');
  return `${prompt} + ${completion} tokens`;
}

/** A tool as clients define it, in the wire format of chat completions. */
export const TOOL = { type: 'function', function: { name: 'weather', description: 'The weather of a town', parameters: { type: 'object', properties: { town: { type: 'string' } }, required: ['town'] } } } as const;
