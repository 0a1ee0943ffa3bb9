import { parseArgs } from 'node:util';
import { CiroError } from '@ciro/core/errors.ts';

export class UsageError extends CiroError<'usage'> {}

/** Flags of `npm run job`. */
export interface JobOptions {
  readonly prompt: string;
  readonly system?: string;
  readonly stages: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly engine: 'auto' | 'wasm' | 'webgpu';
  /** Served name, or path of a GGUF file. */
  readonly model: string;
  readonly assurance: 'stream' | 'checked';
  /** File for the evidence. */
  readonly json?: string;
}

export const JOB_USAGE = `npm run job -- --prompt "TEXT" [--stages 3] [--max-tokens 40] [--temperature 0] [--seed 1]
               [--engine wasm|webgpu|auto] [--model NAME|FILE.gguf] [--system "TEXT"] [--assurance stream|checked]
               [--json FILE] [--cheat NAME@STAGE]
One volunteer more than there are stages is opened: it audits the others, and takes the place of one that is convicted.
With --assurance checked the answer is shown once every stage was audited. FILE is what \`npm run verify -- answer FILE\` reads.
With --cheat one volunteer cheats in that stage, counted from 1 (attacks of the tests; no volunteer loads them otherwise).`;

/** Parses the flags; throws `usage` naming the flag, its value and what is expected. */
export function parseJobOptions(args: readonly string[]): JobOptions {
  const text = { type: 'string' } as const;
  let values: Partial<Record<string, string>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { prompt: text, system: text, stages: text, 'max-tokens': text, temperature: text, seed: text, engine: text, model: text, assurance: text, json: text },
    }));
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
  const prompt = values['prompt'];
  if (prompt === undefined) throw usage('--prompt is missing');
  const engine = values['engine'] ?? 'auto';
  if (engine !== 'auto' && engine !== 'wasm' && engine !== 'webgpu') throw usage(`--engine is ${engine}; expected wasm, webgpu or auto`);
  const assurance = values['assurance'] ?? 'stream';
  if (assurance !== 'stream' && assurance !== 'checked') throw usage(`--assurance is ${assurance}; expected stream or checked`);
  return {
    prompt,
    assurance,
    stages: number(values, 'stages', 3, { least: 1, most: 64, whole: true }),
    maxTokens: number(values, 'max-tokens', 40, { least: 1, most: 1_000_000, whole: true }),
    temperature: number(values, 'temperature', 0, { least: 0, most: 2, whole: false }),
    seed: number(values, 'seed', 1, { least: 0, most: 0xffffffff, whole: true }),
    engine,
    model: values['model'] ?? 'default',
    ...(values['system'] === undefined ? {} : { system: values['system'] }),
    ...(values['json'] === undefined ? {} : { json: values['json'] }),
  };
}

/** A numeric flag within its bounds, or its default. */
export function number(values: Partial<Record<string, string>>, flag: string, fallback: number, bounds: { least: number; most: number; whole: boolean }): number {
  const given = values[flag];
  if (given === undefined) return fallback;
  const value = Number(given);
  if (given.trim() === '' || !(value >= bounds.least && value <= bounds.most) || (bounds.whole && !Number.isInteger(value))) {
    throw usage(`--${flag} is ${JSON.stringify(given)}; expected ${bounds.whole ? 'a whole number' : 'a number'} from ${bounds.least} to ${bounds.most}`);
  }
  return value;
}

export function usage(what: string, text = JOB_USAGE): UsageError {
  return new UsageError('usage', `${what}\n${text}`, { fault: 'user' });
}
