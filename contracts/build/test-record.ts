/**
 * contracts/tests.lock.json: which Cairo tests passed, for which sources. A machine without the native runner, as CI's, has not the time to run
 * them; it holds the record against the sources and takes the word of whoever committed it, as with artefacts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CONTRACTS_FOLDER, sha256 } from './artefacts.ts';
import { BuildError } from './build-error.ts';
import { bundle } from './bundle.ts';
import { testsIn } from './cairo-source.ts';
import { testModules } from './cairo-tests.ts';
import { runnerVersion } from './find-runner.ts';
import type { Sources } from './bundle.ts';

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const ModuleRecord = v.strictObject({
  /** SHA-256 of the module's bundle: the file and all of ours that it needs. */
  sources: Sha256,
  runner: v.string(),
  /** Names, sorted. */
  passed: v.array(v.string()),
});
const BranchRecord = v.strictObject({
  /** SHA-256 over all sources. */
  sources: Sha256,
  total: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** `store.cairo:120 else`, in the order of the sources. */
  missed: v.array(v.string()),
});
const TestRecord = v.strictObject({ modules: v.record(v.string(), ModuleRecord), branches: v.optional(BranchRecord) });
export type TestRecord = v.InferOutput<typeof TestRecord>;

export const HOW_TO_RENEW = '`npm run contracts -- test` runs the Cairo tests and renews the record, `npm run contracts -- coverage` its branches';
/** What the record names as the runner of a test. */
export const nativeRunnerName = (): string => `contracts/runner ${runnerVersion()}, Cairo 2.8.2`;

const recordPath = (folder: string): string => join(folder, 'tests.lock.json');

/** @throws BuildError `bad-record` */
export async function readRecord(folder: string = CONTRACTS_FOLDER): Promise<TestRecord> {
  const text = await readFile(recordPath(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{ "modules": {} }';
    throw error;
  });
  try {
    return v.parse(TestRecord, JSON.parse(text));
  } catch (cause) {
    throw new BuildError('bad-record', `${recordPath(folder)} is not what the tests write (${cause instanceof Error ? cause.message : String(cause)}). Take it from git again or delete it; ${HOW_TO_RENEW}.`, { fault: 'user', cause });
  }
}

/** Modules in the order of their names. */
export async function writeRecord(record: TestRecord, folder: string = CONTRACTS_FOLDER): Promise<void> {
  const modules = Object.fromEntries(Object.entries(record.modules).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(recordPath(folder), `${JSON.stringify({ modules, ...(record.branches && { branches: record.branches }) }, undefined, 2)}\n`);
}

/** What stands for a module whose tests passed, all of them. */
export const recordOf = (module: string, sources: Sources, passed: readonly string[], runner: string): TestRecord['modules'][string] => ({ sources: bundle(module, sources).sha256, runner, passed: [...passed] });

/** Over all sources, their names and texts. */
export const sourcesSha256 = (sources: Sources): string => sha256(JSON.stringify([...sources]));

/** Where the record does not hold for the sources; empty if it does. */
export function recordProblems(sources: Sources, record: TestRecord): string[] {
  const modules = testModules(sources);
  const problems = modules.flatMap((module) => {
    const entry = record.modules[module];
    const tests = testsIn(sources.get(module) ?? '').sort();
    if (entry === undefined) return [`${module}: its ${tests.length} tests were never recorded as passed`];
    if (entry.sources !== bundle(module, sources).sha256) return [`${module}: it or what it needs has changed since its tests passed`];
    const missing = tests.filter((test) => !entry.passed.includes(test));
    return missing.length > 0 || entry.passed.length > tests.length ? [`${module}: recorded are other tests than it has (${missing.join(', ') || 'too many'})`] : [];
  });
  problems.push(...Object.keys(record.modules).filter((module) => !modules.includes(module)).map((module) => `${module}: recorded, but there is no such module`));
  if (record.branches !== undefined && record.branches.sources !== sourcesSha256(sources)) problems.push('branches: counted for other sources');
  return problems;
}
