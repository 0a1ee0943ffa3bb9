import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';
import type { UsageError } from './job-options.ts';

/** Flags of `npm run verify -- answer FILE`. */
export interface VerifyOptions {
  /** Evidence as `npm run job -- --json FILE` or the API gives it. */
  readonly file: string;
  /** Computes the whole answer again. */
  readonly recompute: boolean;
  /** Path of a GGUF file, or `default`; else the cache is looked into for the file that the manifest names. */
  readonly model?: string;
  /** Coordinator's public key, which the plan must be signed with. */
  readonly key?: string;
}

export const VERIFY_USAGE = `npm run verify -- answer FILE [--recompute] [--model default|FILE.gguf] [--key HEX]
  FILE         evidence of one answer, from npm run job -- --json FILE or GET /v1/jobs/ID/evidence?pieces=1
  --recompute  compute every stage again from the prompt and compare
  --model      model file for text and recomputation; by default the one in the cache that the evidence names
  --key        the coordinator's public key, if you know it (130 hex digits)
exit code 0: verified, 1: something is wrong (the last line names it), 2: wrong usage or no such file`;

const KEY = /^04[0-9a-f]{128}$/;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseVerifyOptions(args: readonly string[]): VerifyOptions {
  const { values, positionals } = parse(args);
  const [what, file, ...rest] = positionals;
  if (what === undefined) throw refuse('what is to be verified is missing');
  if (what === 'epoch') throw refuse('verify epoch needs settlement epochs, which this release does not make; an answer can be verified');
  if (what === 'ledger') throw refuse('verify ledger needs an export of the ledger, which this release does not offer; an answer can be verified, its ledger entry included');
  if (what !== 'answer') throw refuse(`${JSON.stringify(what)} cannot be verified; expected answer`);
  if (file === undefined) throw refuse('the file is missing');
  if (rest.length > 0) throw refuse(`${JSON.stringify(rest[0])} is one argument too many`);
  const { model, key, recompute = false } = values;
  if (key !== undefined && !KEY.test(key)) throw refuse('--key is not an uncompressed P-256 point: 04 and 128 lower-case hex digits');
  return { file, recompute, ...(model === undefined ? {} : { model }), ...(key === undefined ? {} : { key }) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { recompute: { type: 'boolean' }, model: { type: 'string' }, key: { type: 'string' } } });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

const refuse = (what: string): UsageError => usage(what, VERIFY_USAGE);
