import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { EscrowId } from '@ciro/core/settlement/escrow.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { number, usage } from './job-options.ts';

/** A request that is to be paid for, as the command line names it. */
export interface CreateOptions {
  readonly command: 'create';
  readonly prompt: string;
  readonly system: string | undefined;
  readonly model: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly assurance: 'stream' | 'checked';
  /** Base units; what the request can cost at most when undefined. */
  readonly budget: bigint | undefined;
  readonly minutes: number;
}

export type EscrowOptions = { readonly url: string; readonly sponsored: boolean } & (
  | CreateOptions
  | { readonly command: 'ask' | 'cancel' | 'status' | 'refund' | 'evidence'; readonly id: EscrowId }
  | { readonly command: 'top-up'; readonly id: EscrowId; readonly amount: bigint }
  | { readonly command: 'revoke-model'; readonly model: string }
);

const DEFAULT_URL = 'http://localhost:8080';
/** An hour: ten minutes is the least that is taken. */
const MINUTES = 60;
const MAX_MINUTES = 43_200;

export const ESCROW_USAGE = `npm run escrow -- create --prompt "TEXT" [--system "TEXT"] [--model default] [--max-tokens 40] [--temperature 0] [--seed 1] [--assurance stream|checked]
                         [--budget TOKENS] [--minutes ${MINUTES}] [--sponsored]     funds a job by the contract, and keeps request and salt in .ciro/escrows
npm run escrow -- ask ID              has the coordinator answer it, paid by the contract (key: OPENAI_API_KEY, else a trial key)
npm run escrow -- top-up ID TOKENS [--sponsored]
npm run escrow -- cancel ID [--sponsored]   while it is open
npm run escrow -- status ID           what the contract says
npm run escrow -- refund ID [--sponsored]   after deadline and grace; needs no coordinator
npm run escrow -- evidence ID         keeps the evidence of the answer in .ciro/escrows, for npm run verify -- answer FILE
npm run escrow -- revoke-model MODEL_ID     by the operator (CIRO_COORDINATOR_KEY)
Contracts are those of the chain of npm run chain, else of npm start, or of the file that CIRO_CHAIN_FILE names. --url ${DEFAULT_URL} names the coordinator that create, ask, evidence and --sponsored need.
environment: CIRO_ACCOUNT_ADDRESS, CIRO_ACCOUNT_KEY (on a devnet without them: its last account), CIRO_RPC`;

/** Parses the arguments; throws `usage` naming what is wrong. */
export function parseEscrowOptions(args: readonly string[]): EscrowOptions {
  const { positionals: [command, ...rest], values } = parse(args);
  const shared = { url: (values.url ?? DEFAULT_URL).replace(/\/+$/, ''), sponsored: values.sponsored ?? false };
  const { sponsored: _flag, ...text } = values;
  switch (command) {
    case 'create': {
      if (values.prompt === undefined || values.prompt.trim() === '') throw usage('--prompt is missing', ESCROW_USAGE);
      const assurance = values.assurance ?? 'stream';
      if (assurance !== 'stream' && assurance !== 'checked') throw usage(`--assurance is ${assurance}; expected stream or checked`, ESCROW_USAGE);
      return {
        ...shared,
        command,
        prompt: values.prompt,
        system: values.system,
        model: values.model ?? 'default',
        maxTokens: number(text, 'max-tokens', 40, { least: 1, most: 1_000_000, whole: true }),
        temperature: number(text, 'temperature', 0, { least: 0, most: 2, whole: false }),
        seed: number(text, 'seed', 1, { least: 0, most: 0xffffffff, whole: true }),
        assurance,
        budget: values.budget === undefined ? undefined : tokens(values.budget, '--budget'),
        minutes: number(text, 'minutes', MINUTES, { least: 11, most: MAX_MINUTES, whole: true }),
      };
    }
    case 'ask':
    case 'cancel':
    case 'status':
    case 'refund':
    case 'evidence':
      return { ...shared, command, id: idOf(rest[0]) };
    case 'top-up':
      return { ...shared, command, id: idOf(rest[0]), amount: tokens(rest[1] ?? '', 'the amount') };
    case 'revoke-model':
      if (rest[0] === undefined || !/^[0-9a-f]{64}$/.test(rest[0])) throw usage(`the model is ${JSON.stringify(rest[0] ?? '')}; expected its id, 64 hex digits (GET /v1/models, model_id)`, ESCROW_USAGE);
      return { ...shared, command, model: rest[0] };
    default:
      throw usage(command === undefined ? 'what is to be done?' : `there is no ${JSON.stringify(command)} of an escrow`, ESCROW_USAGE);
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { prompt: text, system: text, model: text, 'max-tokens': text, temperature: text, seed: text, assurance: text, budget: text, minutes: text, url: text, sponsored: { type: 'boolean' } } });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), ESCROW_USAGE);
  }
}

function idOf(text: string | undefined): EscrowId {
  if (v.is(EscrowId, text)) return text;
  throw usage(`the job is ${JSON.stringify(text ?? '')}; expected the id that \`create\` printed: 0x and lower-case hex`, ESCROW_USAGE);
}

/** Base units of a decimal amount. */
function tokens(text: string, what: string): bigint {
  const [, whole = '', fraction = ''] = /^([0-9]{1,12})(?:\.([0-9]{1,18}))?$/.exec(text) ?? [];
  const amount = whole === '' ? 0n : BigInt(whole) * BASE_UNITS_PER_CREDIT + BigInt(fraction.padEnd(18, '0'));
  if (amount > 0n) return amount;
  throw usage(`${what} is ${JSON.stringify(text)}; expected tokens, for example 60 or 0.5`, ESCROW_USAGE);
}
