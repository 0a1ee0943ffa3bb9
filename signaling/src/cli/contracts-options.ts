import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';

/** What `npm run contracts` is asked for. */
export type ContractsOptions =
  | { readonly do: 'compile'; readonly all: boolean; readonly only?: string }
  | { readonly do: 'ask' }
  | { readonly do: 'check'; readonly all: boolean }
  | { readonly do: 'test'; readonly filter: string }
  | { readonly do: 'coverage' };

export const CONTRACTS_USAGE = `npm run contracts [-- --all | CONTRACT]   compile what changed, everything, or one; writes contracts/artefacts and classes.lock.json
npm run contracts -- --check [--all]      hold what is committed against the sources; --all compiles every contract again
npm run contracts -- --ask                ask the node for the compiled classes again, after a change of its version
npm run contracts -- test [FILTER]        run the Cairo tests: a module (token_test), or a part of the tests' paths
npm run contracts -- coverage             errors, entry points and branches that no Cairo test touches; fails below 90 %`;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseContractsOptions(args: readonly string[]): ContractsOptions {
  const { values, positionals } = parse(args);
  const { check = false, all = false, ask = false } = values;
  const [word, filter, ...rest] = positionals;
  if (rest.length > 0) throw refuse(`${JSON.stringify(rest[0])} is one argument too many`);
  if ([check, ask, word !== undefined].filter(Boolean).length > 1) throw refuse('--check, --ask and a name or command exclude each other');
  if (word === 'test' && !all) return { do: 'test', filter: filter ?? '' };
  if (filter !== undefined) throw refuse(`${JSON.stringify(filter)} is one argument too many`);
  if (ask && !all) return { do: 'ask' };
  if (word === 'coverage' && !all) return { do: 'coverage' };
  if (all && (ask || word !== undefined)) throw refuse('--all goes alone or with --check');
  if (check) return { do: 'check', all };
  return { do: 'compile', all, ...(word === undefined ? {} : { only: word }) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { check: { type: 'boolean' }, all: { type: 'boolean' }, ask: { type: 'boolean' } } });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

const refuse = (what: string) => usage(what, CONTRACTS_USAGE);
