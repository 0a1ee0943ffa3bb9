import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';
import type { UsageError } from './job-options.ts';

/** Flags of `npm run verify -- answer FILE`. */
export interface VerifyOptions {
  readonly what: 'answer';
  /** Evidence as `npm run job -- --json FILE` or the API gives it. */
  readonly file: string;
  /** Computes the whole answer again. */
  readonly recompute: boolean;
  /** Path of a GGUF file, or `default`; else the cache is looked into for the file that the manifest names. */
  readonly model?: string;
  /** Coordinator's public key, which the plan must be signed with. */
  readonly key?: string;
}

/** Flags of `npm run verify -- epoch`. */
export interface EpochOptions {
  readonly what: 'epoch';
  /** A published epoch: file or address. */
  readonly source: string;
  /** The epoch before it, that nobody may have lost anything since. */
  readonly before?: string;
  /** The ledger that it was made from: file or a coordinator's address. */
  readonly ledger?: string;
  /** What its workers did, as it was published: file or address. */
  readonly performance?: string;
}

/** Flags of `npm run verify -- ledger`. */
export interface LedgerOptions {
  readonly what: 'ledger';
  /** A file that `save` wrote, or a coordinator's address. */
  readonly source: string;
  /** File for what the coordinator gave. */
  readonly save?: string;
  readonly key?: string;
}

/** Flags of `npm run verify -- case`. */
export interface CaseOptions {
  readonly what: 'case';
  /** A case file: path or address. */
  readonly source: string;
  /** As for an answer. */
  readonly model?: string;
}

export const VERIFY_USAGE = `npm run verify -- answer FILE [--recompute] [--model default|FILE.gguf] [--key HEX]
  FILE         evidence of one answer, from npm run job -- --json FILE or GET /v1/jobs/ID/evidence?pieces=1
  --recompute  compute every stage again from the prompt and compare
  --model      model file for text and recomputation; by default the one in the cache that the evidence names
npm run verify -- epoch FILE|URL|N [--before FILE|URL|N] [--ledger FILE|COORDINATOR] [--performance FILE|URL|N] [--url COORDINATOR]
  FILE|URL|N   a settlement epoch, from GET /v1/epochs/N; a number is asked of --url (http://localhost:8080)
  --before     an earlier epoch: nobody may have less since then, but for corrections by name
  --ledger     the ledger that it was made from, as verify -- ledger takes it: the epoch's entry has to be on its chain
  --performance  what its workers did, from GET /v1/epochs/N/performance: its tree is made again
npm run verify -- ledger FILE|COORDINATOR [--save FILE] [--key HEX]
  FILE         a ledger's links and heads, from --save; an address is asked for them
  --key        the coordinator's public key, if you know it (130 hex digits)
npm run verify -- case FILE|URL [--model default|FILE.gguf]
  FILE|URL     a case against a worker, from GET /v1/disputes/NAME/file: computes the stage again; verified means that the case stands
exit code 0: verified, 1: something is wrong (the last line names it), 2: wrong usage or no such file`;

const KEY = /^04[0-9a-f]{128}$/;
const EPOCH_NUMBER = /^[1-9][0-9]{0,14}$/;
const LOCAL = 'http://localhost:8080';
/** Flags that each kind has. */
const FLAGS = { answer: ['recompute', 'model', 'key'], epoch: ['before', 'ledger', 'performance', 'url'], ledger: ['save', 'key'], case: ['model'] } as const;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseVerifyOptions(args: readonly string[]): VerifyOptions | EpochOptions | LedgerOptions | CaseOptions {
  const { values, positionals } = parse(args);
  const [what, source, ...rest] = positionals;
  if (what === undefined) throw refuse('what is to be verified is missing');
  if (what !== 'answer' && what !== 'epoch' && what !== 'ledger' && what !== 'case') throw refuse(`${JSON.stringify(what)} cannot be verified; expected answer, epoch, ledger or case`);
  if (source === undefined) throw refuse(what === 'answer' ? 'the file is missing' : 'the file or address is missing');
  if (rest.length > 0) throw refuse(`${JSON.stringify(rest[0])} is one argument too many`);
  const strange = Object.keys(values).find((flag) => !(FLAGS[what] as readonly string[]).includes(flag));
  if (strange !== undefined) throw refuse(`--${strange} is no flag of verify ${what}`);
  const { model, key, before, ledger, performance, save, url = LOCAL, recompute = false } = values;
  if (key !== undefined && !KEY.test(key)) throw refuse('--key is not an uncompressed P-256 point: 04 and 128 lower-case hex digits');
  const ofNumber = (text: string): string => (EPOCH_NUMBER.test(text) ? `${url.replace(/\/+$/, '')}/v1/epochs/${text}` : text);
  if (what === 'case') return { what, source, ...(model === undefined ? {} : { model }) };
  if (what === 'epoch') return { what, source: ofNumber(source), ...(before === undefined ? {} : { before: ofNumber(before) }), ...(ledger === undefined ? {} : { ledger }), ...(performance === undefined ? {} : { performance: EPOCH_NUMBER.test(performance) ? `${ofNumber(performance)}/performance` : performance }) };
  if (what === 'ledger') return { what, source, ...(save === undefined ? {} : { save }), ...(key === undefined ? {} : { key }) };
  return { what, file: source, recompute, ...(model === undefined ? {} : { model }), ...(key === undefined ? {} : { key }) };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { recompute: { type: 'boolean' }, model: text, key: text, before: text, ledger: text, performance: text, save: text, url: text } });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

const refuse = (what: string): UsageError => usage(what, VERIFY_USAGE);
