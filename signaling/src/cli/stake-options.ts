import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';
import { parseTokens } from './token-amount.ts';
import type { UsageError } from './job-options.ts';

/** What `npm run stake` is to do. Addresses in 0x hex, amounts in base units of the stake token. */
export type StakeOptions =
  | { readonly do: 'status' | 'withdraw'; readonly worker: string | null }
  | { readonly do: 'register'; readonly capability: string; readonly payout: string | null }
  | { readonly do: 'add' | 'remove'; readonly amount: bigint }
  | { readonly do: 'payout'; readonly to: string }
  | { readonly do: 'cancel' | 'deregister' };

export const STAKE_USAGE = `npm run stake -- status [WORKER]                 what stands behind a worker, and when it may leave
npm run stake -- register [--capability TEXT] [--payout ADDRESS]
npm run stake -- add TOKENS                       stakes; registers nobody
npm run stake -- remove TOKENS                    begins the cool-down: until it is over a court can still take it
npm run stake -- cancel | withdraw [WORKER]       all that cools stays, or leaves once its time has come
npm run stake -- payout ADDRESS                   after the pool's delay
npm run stake -- deregister                       with nothing left in the pool
environment: CIRO_ACCOUNT_ADDRESS and CIRO_ACCOUNT_KEY, the worker's own account; the contracts are those of the chain of npm run chain, else of npm start, or of the file that CIRO_CHAIN_FILE names`;

const FELT = /^0x[0-9a-fA-F]{1,64}$/;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseStakeOptions(args: readonly string[]): StakeOptions {
  const { values, positionals: [what, ...rest] } = parse(args);
  const [given] = rest;
  if (what !== 'register' && (values.capability !== undefined || values.payout !== undefined)) throw refuse(`--capability and --payout belong to register`);
  if (rest.length > 1) throw refuse(`${JSON.stringify(rest[1])} is one argument too many`);
  switch (what) {
    case 'status':
    case 'withdraw':
      return { do: what, worker: given === undefined ? null : address(given) };
    case 'register':
      none(what, given);
      return { do: what, capability: values.capability ?? 'unspecified', payout: values.payout === undefined ? null : address(values.payout) };
    case 'add':
    case 'remove': {
      const amount = parseTokens(given ?? '');
      if (amount === undefined || amount === 0n) throw refuse(`${JSON.stringify(given ?? '')} is no amount of tokens; e.g. 100 or 12.5`);
      return { do: what, amount };
    }
    case 'payout':
      return { do: what, to: address(given ?? '') };
    case 'cancel':
    case 'deregister':
      none(what, given);
      return { do: what };
    default:
      throw refuse(what === undefined ? 'what is to be done is missing' : `${JSON.stringify(what)} is nothing that stake does`);
  }
}

function none(what: string, given: string | undefined): void {
  if (given !== undefined) throw refuse(`stake ${what} takes no argument, and ${JSON.stringify(given)} was given`);
}

function address(text: string): string {
  if (!FELT.test(text) || BigInt(text) === 0n) throw refuse(`${JSON.stringify(text)} is no address; expected 0x hex`);
  return `0x${BigInt(text).toString(16)}`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { capability: { type: 'string' }, payout: { type: 'string' } } });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

const refuse = (what: string): UsageError => usage(what, STAKE_USAGE);
