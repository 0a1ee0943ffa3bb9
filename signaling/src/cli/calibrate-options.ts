import { parseArgs } from 'node:util';
import { UsageError } from './job-options.ts';

/** Flags of `npm run calibrate`. */
export interface CalibrateOptions {
  /** Path of a GGUF file, or `default`. */
  readonly model: string;
  /** Where findings and table are written as JSON. */
  readonly json: string | undefined;
  /** Stages that the 8-bit cheat is measured over; undefined: the default cut. */
  readonly stages: number | undefined;
  /** Writes the table beside the published ones of this checkout. */
  readonly publish: boolean;
}

const USAGE = `usage: npm run calibrate -- MODEL [--json FILE] [--stages N] [--publish]
  MODEL        path of a GGUF file, or "default"
  --json FILE  writes the findings and the table there
  --stages N   measures the 8-bit cheat over N even stages (default 3)
  --publish    keeps the table in signaling/src/models/published, so that no import has to make it`;

/** Throws UsageError. */
export function parseCalibrateOptions(args: readonly string[]): CalibrateOptions {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: 'string' }, stages: { type: 'string' }, publish: { type: 'boolean', default: false } } });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  const [model] = positionals;
  if (model === undefined || positionals.length !== 1) throw usage('one MODEL is needed');
  const stages = values.stages === undefined ? undefined : Number(values.stages);
  if (stages !== undefined && !(Number.isInteger(stages) && stages >= 1)) throw usage(`--stages ${values.stages} is no number of stages`);
  if (values.publish && stages !== undefined) throw usage('a table is published for the default cut only; leave out --stages');
  return { model, json: values.json, stages, publish: values.publish };
}

function usage(what: string): UsageError {
  return new UsageError('usage', `${what}\n${USAGE}`, { fault: 'user' });
}
