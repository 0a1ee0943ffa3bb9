/** What no Cairo test touches: errors that no `should_panic` names, entry points that no test calls. Branches are counted by branches.ts. */
import { blankComments } from './cairo-source.ts';
import type { Sources } from './bundle.ts';

/** Of errors and of entry points each, as the bar of issue 6 has it. */
export const LEAST_COVERAGE = 0.9;

export interface Covered {
  readonly total: number;
  /** `store.cairo: 'CIRO-CS: bad proof'` or `store.cairo: claim`. */
  readonly missing: readonly string[];
}

const FOR_TESTS = /_(test|fixture)$/;

/** Errors and entry points of all contracts' modules, and those without a test. */
export function coverageOf(sources: Sources): { readonly errors: Covered; readonly entryPoints: Covered } {
  const real = [...sources].filter(([module]) => !FOR_TESTS.test(module));
  const tests = [...sources].filter(([module]) => FOR_TESTS.test(module)).map(([, source]) => source);
  const panics = tests.flatMap((source) => [...withoutComments(source).matchAll(/#\[should_panic\(\s*expected:\s*\(?([^\]]*)\]/g)].map(([, expected]) => expected ?? '')).join('\n');
  const calls = tests.map(withoutComments).join('\n');
  const implemented = new Set(real.flatMap(([, source]) => [...blankComments(source).matchAll(/\bof\s+(?:\w+::)*(\w+)</g)].flatMap(([, trait]) => trait ?? [])));

  const errors = real.flatMap(([module, source]) => errorsIn(source).map((text) => ({ name: `${module}.cairo: '${text}'`, covered: panics.includes(`'${text}'`) })));
  const entryPoints = real.flatMap(([module, source]) =>
    interfacesIn(source)
      .filter(({ trait }) => implemented.has(trait))
      .flatMap(({ functions }) => functions.map((name) => ({ name: `${module}.cairo: ${name}`, covered: new RegExp(`\\.${name}\\s*\\(|selector!\\("${name}"\\)`).test(calls) }))),
  );
  const summed = (all: readonly { name: string; covered: boolean }[]): Covered => ({ total: all.length, missing: all.filter(({ covered }) => !covered).map(({ name }) => name) });
  return { errors: summed(errors), entryPoints: summed(entryPoints) };
}

/** Texts of a file's `pub mod errors`. */
export function errorsIn(source: string): string[] {
  const blank = blankComments(source);
  return [...blank.matchAll(/\bmod errors\s*\{([^}]*)\}/g)].flatMap((found) => [...source.slice(found.index, found.index + found[0].length).matchAll(/:\s*felt252\s*=\s*'([^'\n]+)'/g)].flatMap(([, text]) => text ?? []));
}

/** Traits under `#[starknet::interface]` with their functions. */
export function interfacesIn(source: string): { readonly trait: string; readonly functions: readonly string[] }[] {
  const blank = blankComments(source);
  return [...blank.matchAll(/#\[starknet::interface\]\s*(?:pub\s+)?trait\s+(\w+)[^{]*\{([^}]*)\}/g)].map(([, trait = '', body = '']) => ({ trait, functions: [...body.matchAll(/\bfn\s+(\w+)/g)].flatMap(([, name]) => name ?? []) }));
}

/** Which part is covered; nothing to cover is all. */
export const partOf = ({ total, missing }: Covered): number => (total === 0 ? 1 : (total - missing.length) / total);

export function describeCoverage(what: string, covered: Covered): string {
  const { total, missing } = covered;
  return [`${what}: ${total - missing.length} of ${total} (${(100 * partOf(covered)).toFixed(0)} %)`, ...missing.map((name) => `  no test: ${name}`)].join('\n');
}

const withoutComments = (source: string): string => source.replace(/\/\/[^\n]*/g, '');
