import { parseArgs } from 'node:util';
import { number, usage } from './job-options.ts';

/** Flags of `npm start`. */
export interface StartOptions {
  readonly model: string;
  readonly stages: number;
  readonly volunteers: number;
  readonly engine: 'auto';
  readonly port: number;
  readonly dataDir: string;
  readonly prompt: string;
  /** Ends after the demonstration job. */
  readonly once: boolean;
}

/** Three stages and a spare, as the demonstration promises. */
const STAGES = 3;
const VOLUNTEERS = 4;
const PORT = 8080;
const QUESTION = 'What is the capital of France?';

export const START_USAGE = `npm start -- [--once "PROMPT"] [--volunteers 4] [--stages 3] [--model FILE.gguf] [--data FOLDER]
environment: PORT (8080), DATABASE_URL, PUBLIC_URL, CIRO_TLS_CERT, CIRO_TLS_KEY, CIRO_AUDIT_RATE, CIRO_PRICING, CIRO_BROWSER, CIRO_CACHE, CIRO_SETTLER_KEY`;

/** Parses the flags; throws `usage` naming what is wrong. `PORT` comes from the environment. */
export function parseStartOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  const text = { type: 'string' } as const;
  let values: Partial<Record<string, string>>;
  try {
    ({ values } = parseArgs({ args: [...args], options: { once: text, volunteers: text, stages: text, model: text, data: text } }));
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), START_USAGE);
  }
  const once = values['once'];
  if (once?.trim() === '') throw usage('--once has no prompt', START_USAGE);
  return {
    model: values['model'] ?? 'default',
    stages: number(values, 'stages', STAGES, { least: 1, most: 64, whole: true }),
    volunteers: number(values, 'volunteers', VOLUNTEERS, { least: 0, most: 64, whole: true }),
    engine: 'auto',
    port: number({ PORT: env['PORT'] }, 'PORT', PORT, { least: 0, most: 65_535, whole: true }),
    dataDir: values['data'] ?? '.ciro/data',
    prompt: once ?? QUESTION,
    once: once !== undefined,
  };
}
