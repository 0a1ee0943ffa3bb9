import { writeFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { classHashOf } from '../chain/felts.ts';
import { ContractClass, artefactNames, artefactPath, fingerprint, formatArtefact, readArtefact, readLock, removeArtefact, sha256, writeLock } from './artefacts.ts';
import { BuildError } from './build-error.ts';
import { bundle } from './bundle.ts';
import { runCairo } from './cairo-process.ts';
import { contractsIn } from './cairo-source.ts';
import { notCompiled } from './diagnostics.ts';
import { repair } from './sierra.ts';
import type { LockEntry, Lock } from './artefacts.ts';
import type { Bundle, Sources } from './bundle.ts';

/** A contract that is to be committed: its name in Cairo, and the bundle that it is compiled from. */
export interface Contract {
  readonly name: string;
  readonly bundle: Bundle;
}

/** Modules whose contracts are for tests alone. */
const FOR_TESTS = /_(test|fixture)$/;

/** What the commands need from outside. */
export interface CompileOptions {
  readonly sources: Sources;
  readonly folder: string;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Asks a node what compiled class it makes of a class; undefined where no node can be had. */
  readonly askNode?: ((contractClass: ContractClass) => Promise<`0x${string}`>) | undefined;
  /** The compiler; another one in tests of what is done with its answers. */
  readonly cairo?: typeof runCairo;
}

/** Contracts of the sources, by their names. @throws BuildError `several-contracts`: the compiler takes one a string */
export function contractsOf(sources: Sources): Contract[] {
  const found = [...sources].flatMap(([module, source]) => {
    if (FOR_TESTS.test(module)) return [];
    const [name] = contractsIn(source);
    return name === undefined ? [] : [{ name, bundle: bundle(module, sources) }];
  });
  for (const { bundle: made } of found) {
    const inside = made.modules.flatMap((module) => contractsIn(sources.get(module) ?? '').map((name) => `${name} of ${module}.cairo`));
    if (inside.length > 1) {
      throw new BuildError('several-contracts', `The closure of ${made.name}.cairo holds ${inside.join(' and ')}; one contract is compiled at a time. Move what others call into ${made.name}_interface.cairo.`, { fault: 'user', fields: { module: made.name, inside } });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Compiles one contract to the class that nodes accept. @throws BuildError `does-not-compile`, `bad-sierra`, `compiler-died` */
export async function compileContract(contract: Contract, { sources, signal, cairo = runCairo }: CompileOptions): Promise<ContractClass> {
  const reply = await cairo({ kind: 'compile', source: contract.bundle.source }, signal);
  if (reply.kind === 'not-compiled') throw notCompiled(reply, contract.bundle, sources);
  if (reply.kind !== 'class') throw new BuildError('compiler-died', `The compiler answered ${reply.kind} for ${contract.name}`, { fault: 'bug' });
  const raw = v.parse(ContractClass, JSON.parse(reply.contractClass));
  return { ...raw, sierra_program: [...repair(raw.sierra_program).program] };
}

/** Compiles what has changed since the lock was written, or everything, and writes artefacts and lock. Gives the names that were compiled. */
export async function compileAll(options: CompileOptions & { readonly all?: boolean; readonly only?: string | undefined }): Promise<string[]> {
  const { sources, folder, report } = options;
  const contracts = contractsOf(sources);
  const old = await readLock(folder);
  const lock: Record<string, LockEntry> = {};
  for (const { name } of contracts) if (old[name] !== undefined) lock[name] = old[name];
  const wanted = contracts.filter((contract) => (options.only === undefined ? options.all === true || old[contract.name]?.bundleSha256 !== fingerprint(contract.bundle) : contract.name === options.only));
  // The node is asked for one after the other, and the lock is written each time: what is done stays done when one fails.
  let writing: Promise<void> = Promise.resolve();
  const failures: unknown[] = [];
  await Promise.all(
    wanted.map(async (contract) => {
      try {
        const started = performance.now();
        const contractClass = await compileContract(contract, options);
        const write = async (): Promise<void> => {
          lock[contract.name] = await commit(contract, contractClass, old, options);
          await writeLock(lock, folder);
          report(`${contract.name}: ${contractClass.sierra_program.length} felts, ${((performance.now() - started) / 1000).toFixed(1)} s`);
        };
        writing = writing.then(write, write);
        await writing;
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  for (const name of await artefactNames(folder)) if (!contracts.some((contract) => contract.name === name)) await removeArtefact(name, folder);
  await writeLock(lock, folder);
  if (failures.length > 1) for (const failure of failures.slice(1)) report(failure instanceof Error ? failure.message : String(failure));
  if (failures.length > 0) throw failures[0];
  return wanted.map(({ name }) => name);
}

async function commit({ name, bundle: made }: Contract, contractClass: ContractClass, old: Lock, { folder, askNode }: CompileOptions): Promise<LockEntry> {
  const classHash = classHashOf(contractClass);
  const known = old[name]?.classHash === classHash ? old[name].compiledClassHash : undefined;
  const compiledClassHash = known ?? (await askNode?.(contractClass));
  if (compiledClassHash === undefined) {
    throw new BuildError('no-class-hash', `${name} has become another class (${classHash}), and there is no node to ask what compiled class it makes of it. Name a starknet-devnet 0.8.2 with CIRO_DEVNET_BIN, or run \`npm run chain -- --once\` once, which gets one.`, {
      fault: 'platform',
      fields: { name, classHash },
    });
  }
  const text = formatArtefact(contractClass);
  await mkdir(dirname(artefactPath(name, folder)), { recursive: true });
  await writeFile(artefactPath(name, folder), text);
  return { module: made.name, bundleSha256: fingerprint(made), artefactSha256: sha256(text), classHash, compiledClassHash, sierraFelts: contractClass.sierra_program.length };
}

/** Asks the node again for the compiled classes of all artefacts as they are, and writes the lock. */
export async function askAgain({ folder, askNode, report }: CompileOptions): Promise<void> {
  const lock: Record<string, LockEntry> = { ...(await readLock(folder)) };
  for (const [name, entry] of Object.entries(lock)) {
    const compiledClassHash = await askNode?.(await readArtefact(name, folder));
    if (compiledClassHash === undefined) throw new BuildError('no-class-hash', 'There is no node to ask. Name a starknet-devnet with CIRO_DEVNET_BIN.', { fault: 'platform' });
    if (compiledClassHash !== entry.compiledClassHash) report(`${name}: compiled class ${entry.compiledClassHash} → ${compiledClassHash}`);
    lock[name] = { ...entry, compiledClassHash };
  }
  await writeLock(lock, folder);
}
