import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';
import { parseTokens } from './token-amount.ts';
import type { UsageError } from './job-options.ts';

/** What `npm run dispute` is to do. Addresses and refs in 0x hex, amounts in base units. */
export type DisputeOptions = { readonly url: string } & (
  | { readonly do: 'list' }
  | { readonly do: 'show' | 'finalise'; readonly id: number }
  | { readonly do: 'respond'; readonly id: number; readonly file: string }
  | { readonly do: 'vote'; readonly id: number; readonly vote: 'auto' | 'guilty' | 'not guilty'; readonly slash: bigint | null; readonly file: string | null; readonly model?: string }
  | { readonly do: 'open'; readonly kind: 'worker' | 'job'; readonly accused: string; readonly ref: string; readonly file: string }
  | { readonly do: 'root'; readonly epoch: number; readonly force: boolean }
);

export const DISPUTE_USAGE = `npm run dispute -- list | show ID                  what the court has
npm run dispute -- vote ID --auto [--file FILE] [--model default|FILE.gguf] [--slash TOKENS]
  computes the case again from its file, by default from --url, and votes what it finds; it does not vote on what it cannot tell
npm run dispute -- vote ID --guilty --slash TOKENS | --not-guilty
npm run dispute -- respond ID FILE                  answers with the hash of FILE: publish it where the arbiters find it
npm run dispute -- finalise ID                      once a side has the quorum, or the time is over
npm run dispute -- open worker ADDRESS JOB FILE     accuses a worker with a case file; takes the bond
npm run dispute -- open job JOB FILE                by the client of a job that was funded by contract
npm run dispute -- root N [--force]                 computes epoch N again, and disputes it if it is wrong; --force disputes one that is right, and loses the bond
  --url   the coordinator that publishes files and epochs (http://localhost:8080)
environment: CIRO_ACCOUNT_ADDRESS and CIRO_ACCOUNT_KEY, who acts; the contracts are those of the chain of npm run chain, else of npm start, or of the file that CIRO_CHAIN_FILE names`;

const LOCAL = 'http://localhost:8080';
const FELT = /^0x[0-9a-f]{1,64}$/;
const JOB_ID = /^[0-9a-f]{32}$/;
const FLAGS: Readonly<Record<string, readonly string[]>> = { vote: ['auto', 'guilty', 'not-guilty', 'slash', 'file', 'model'], root: ['force'] };

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseDisputeOptions(args: readonly string[]): DisputeOptions {
  const { values, positionals: [what, ...rest] } = parse(args);
  const { url: address = LOCAL, ...flags } = values;
  const url = address.replace(/\/+$/, '');
  const strange = Object.keys(flags).find((flag) => !(FLAGS[what ?? ''] ?? []).includes(flag));
  if (strange !== undefined) throw refuse(`--${strange} is no flag of dispute ${what ?? ''}`);
  const take = (count: number): readonly string[] => {
    if (rest.length !== count) throw refuse(`dispute ${what} takes ${count} ${count === 1 ? 'argument' : 'arguments'}, and ${rest.length} were given`);
    return rest;
  };
  switch (what) {
    case 'list':
      take(0);
      return { do: what, url };
    case 'show':
    case 'finalise':
      return { do: what, url, id: numberOf(take(1)[0], 'a case') };
    case 'respond': {
      const [id, file = ''] = take(2);
      return { do: what, url, id: numberOf(id, 'a case'), file };
    }
    case 'vote':
      return { do: what, url, id: numberOf(take(1)[0], 'a case'), ...voteOf(values) };
    case 'root':
      return { do: what, url, epoch: numberOf(take(1)[0], 'an epoch'), force: values.force ?? false };
    case 'open': {
      const [kind] = rest;
      if (kind === 'worker') {
        const [, accused, ref, file = ''] = take(4);
        return { do: what, url, kind, accused: feltOf(accused, 'the worker\'s address'), ref: jobOf(ref), file };
      }
      if (kind !== 'job') throw refuse(`${JSON.stringify(kind ?? '')} cannot be accused; expected worker or job (an epoch: dispute root N)`);
      const [, ref, file = ''] = take(3);
      return { do: what, url, kind, accused: '0x0', ref: jobOf(ref), file };
    }
    default:
      throw refuse(what === undefined ? 'what is to be done is missing' : `${JSON.stringify(what)} is nothing that dispute does`);
  }
}

function voteOf({ auto, guilty, 'not-guilty': notGuilty, slash: text, file, model }: ReturnType<typeof parse>['values']) {
  const votes = ([['auto', auto], ['guilty', guilty], ['not guilty', notGuilty]] as const).flatMap(([name, given]) => (given === true ? [name] : []));
  const [vote] = votes;
  if (vote === undefined || votes.length > 1) throw refuse('a vote is one of --auto, --guilty and --not-guilty');
  const slash = text === undefined ? null : (parseTokens(text) ?? null);
  if (text !== undefined && slash === null) throw refuse(`--slash is ${JSON.stringify(text)}; expected an amount of tokens, e.g. 12.5`);
  if (vote === 'not guilty' && slash !== null) throw refuse('--slash belongs to a vote for guilty');
  if (vote !== 'auto' && (file !== undefined || model !== undefined)) throw refuse('--file and --model belong to --auto');
  return { vote, slash, file: file ?? null, ...(model === undefined ? {} : { model }) };
}

function numberOf(text: string | undefined, what: string): number {
  if (text === undefined || !/^[1-9][0-9]{0,14}$/.test(text)) throw refuse(`${JSON.stringify(text ?? '')} is no number of ${what}`);
  return Number(text);
}

function feltOf(text: string | undefined, what: string): string {
  const small = text?.toLowerCase();
  if (small === undefined || !FELT.test(small)) throw refuse(`${what} is ${JSON.stringify(text ?? '')}; expected 0x hex`);
  return `0x${BigInt(small).toString(16)}`;
}

/** A job's id, or what the court calls it. */
const jobOf = (text: string | undefined): string => (text !== undefined && JOB_ID.test(text) ? feltOf(`0x${text}`, 'the job') : feltOf(text, 'the job'));

function parse(args: readonly string[]) {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { url: text, file: text, model: text, slash: text, auto: flag, guilty: flag, 'not-guilty': flag, force: flag } });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

const refuse = (what: string): UsageError => usage(what, DISPUTE_USAGE);
