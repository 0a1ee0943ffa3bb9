import { createHash } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v from 'valibot';
import { BuildError } from './build-error.ts';
import type { Bundle } from './bundle.ts';

/** Folder of everything of `contracts`; tests name another one. */
export const CONTRACTS_FOLDER = join(import.meta.dirname, '..');

const Felt = v.pipe(v.string(), v.regex(/^0x(0|[1-9a-f][0-9a-f]{0,63})$/, 'not a felt in minimal lower-case hex'));
export const LockEntry = v.strictObject({
  /** Module of contracts/src that the class is made of. */
  module: v.string(),
  /** SHA-256 over the compiler's version and the bundle: what the artefact was compiled from. */
  bundleSha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** SHA-256 of the artefact's file. */
  artefactSha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  classHash: Felt,
  /** What a node of Starknet 0.14 makes of the class; it is asked for it. */
  compiledClassHash: Felt,
  /** Length of the program: what a class may have at most is counted in these. */
  sierraFelts: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});
export type LockEntry = v.InferOutput<typeof LockEntry>;
/** By the contract's name. */
export type Lock = Readonly<Record<string, LockEntry>>;

const EntryPoints = v.array(v.object({ selector: v.string(), function_idx: v.number() }));
/** A class as nodes take it, without the debug information. */
export const ContractClass = v.object({
  sierra_program: v.pipe(v.array(Felt), v.minLength(1)),
  contract_class_version: v.string(),
  entry_points_by_type: v.object({ EXTERNAL: EntryPoints, L1_HANDLER: EntryPoints, CONSTRUCTOR: EntryPoints }),
  abi: v.array(v.looseObject({ type: v.string(), name: v.optional(v.string()) })),
});
export type ContractClass = v.InferOutput<typeof ContractClass>;

const SUFFIX = '.contract_class.json';
const lockPath = (folder: string): string => join(folder, 'classes.lock.json');
export const artefactPath = (name: string, folder: string = CONTRACTS_FOLDER): string => join(folder, 'artefacts', `${name}${SUFFIX}`);
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Version of the pinned compiler: another one may make another class of the same source. */
const COMPILER = ((): string => {
  const { version } = v.parse(v.object({ version: v.string() }), JSON.parse(readFileSync(createRequire(import.meta.url).resolve('wasm-cairo/package.json'), 'utf8')));
  return `wasm-cairo ${version}`;
})();

/** What an artefact is made of, as the lock records it. */
export const fingerprint = ({ source }: Bundle): string => sha256(`${COMPILER}\n${source}`);

/** @throws BuildError `bad-lock` */
export async function readLock(folder: string = CONTRACTS_FOLDER): Promise<Lock> {
  const text = await readFile(lockPath(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return v.parse(v.record(v.string(), LockEntry), JSON.parse(text));
  } catch (cause) {
    throw new BuildError('bad-lock', `${lockPath(folder)} is not what \`npm run contracts\` writes (${cause instanceof Error ? cause.message : String(cause)}). Take it from git again, or delete it and run that command.`, { fault: 'user', cause });
  }
}

/** Entries in the order of their names, so that two people's changes meet in one line at most. */
export async function writeLock(lock: Lock, folder: string = CONTRACTS_FOLDER): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(lock).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(lockPath(folder), `${JSON.stringify(sorted, undefined, 2)}\n`);
}

/** Text of an artefact's file: compact, the same for the same class. */
export function formatArtefact(contractClass: ContractClass): string {
  const { sierra_program, contract_class_version, entry_points_by_type, abi } = contractClass;
  return `${JSON.stringify({ sierra_program, contract_class_version, entry_points_by_type, abi })}\n`;
}

/**
 * The class of an artefact.
 * @param expected SHA-256 that its file has to have
 * @throws BuildError `stale-artefacts` when it is missing, another file or no class
 */
export async function readArtefact(name: string, folder: string = CONTRACTS_FOLDER, expected?: string): Promise<ContractClass> {
  try {
    const text = await readFile(artefactPath(name, folder), 'utf8');
    if (expected !== undefined && sha256(text) !== expected) throw new Error(`SHA-256 ${sha256(text)}, classes.lock.json says ${expected}`);
    return v.parse(ContractClass, JSON.parse(text));
  } catch (cause) {
    throw new BuildError('stale-artefacts', `${artefactPath(name, folder)} is missing or no contract class (${cause instanceof Error ? cause.message : String(cause)}). Run \`npm run contracts\`.`, { fault: 'user', fields: { name }, cause });
  }
}

/** Names that have an artefact's file. */
export async function artefactNames(folder: string = CONTRACTS_FOLDER): Promise<string[]> {
  const files = await readdir(join(folder, 'artefacts')).catch(() => []);
  return files.filter((file) => file.endsWith(SUFFIX)).map((file) => file.slice(0, -SUFFIX.length)).sort();
}

export const removeArtefact = (name: string, folder: string = CONTRACTS_FOLDER): Promise<void> => rm(artefactPath(name, folder));
