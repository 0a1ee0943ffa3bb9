import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { number, usage } from './job-options.ts';

/** Flags of `npm run worker`. */
export interface WorkerOptions {
  /** Origin of the coordinator. */
  readonly url: string;
  readonly count: number;
  readonly engine: 'auto' | 'wasm' | 'webgpu';
  /** Bytes that each gives; what its page would choose when undefined. */
  readonly memoryBytes: number | undefined;
  readonly relayOnly: boolean;
  /** Browser profiles, one a worker: its key, and what it is paid by. */
  readonly profiles: string;
}

export const WORKER_USAGE = `npm run worker -- --url https://ciro.example.org [--count 1] [--engine wasm|webgpu|auto] [--memory MB] [--relay-only] [--profiles .ciro/workers]
Headless tabs that contribute until they are stopped. A profile keeps a tab's key: back the folder up, or what the tab earned is lost with it.
environment: CIRO_BROWSER`;

const MB = 1e6;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseWorkerOptions(args: readonly string[], checkout: string): WorkerOptions {
  const text = { type: 'string' } as const;
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({ args: [...args], options: { url: text, count: text, engine: text, memory: text, profiles: text, 'relay-only': { type: 'boolean' } } }));
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), WORKER_USAGE);
  }
  const said = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const url = said('url') ?? '';
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw usage(`--url is ${JSON.stringify(url)}; give the coordinator's address, e.g. https://ciro.example.org`, WORKER_USAGE);
  const engine = said('engine') ?? 'auto';
  if (engine !== 'auto' && engine !== 'wasm' && engine !== 'webgpu') throw usage(`--engine is ${JSON.stringify(engine)}; give wasm, webgpu or auto`, WORKER_USAGE);
  const numbers = { count: said('count'), memory: said('memory') };
  return {
    url: new URL(url).origin,
    count: number(numbers, 'count', 1, { least: 1, most: 64, whole: true }),
    engine,
    memoryBytes: numbers.memory === undefined ? undefined : number(numbers, 'memory', 0, { least: 100, most: 64_000, whole: true }) * MB,
    relayOnly: values['relay-only'] === true,
    profiles: resolve(checkout, said('profiles') ?? '.ciro/workers'),
  };
}
