/**
 * `npm run contracts -- --check`. Compiling takes 10 s a contract, so a contract whose sources are those that the lock was written for is not
 * compiled again; that its artefact came from them is then the word of whoever committed it. To hold that word to something, one of them
 * is compiled all the same, another each day, and `--all` compiles every one.
 */
import { readFile } from 'node:fs/promises';
import { classHashOf } from '../chain/felts.ts';
import { artefactNames, artefactPath, fingerprint, formatArtefact, readArtefact, readLock, sha256 } from './artefacts.ts';
import { BuildError } from './build-error.ts';
import { compileContract, contractsOf } from './compile.ts';
import type { CompileOptions, Contract } from './compile.ts';

const DAY_MS = 86_400_000;

export interface Checked {
  /** Compiled again and compared. */
  readonly compiled: readonly string[];
  /** Held against the lock alone. */
  readonly trusted: readonly string[];
}

/**
 * Holds artefacts and lock against the sources.
 * @param time decides which of the unchanged contracts is compiled; milliseconds since 1970
 * @throws BuildError `stale-artefacts` with everything that disagrees
 */
export async function checkArtefacts(options: CompileOptions & { readonly all?: boolean; readonly time: number }): Promise<Checked> {
  const { sources, folder } = options;
  const contracts = contractsOf(sources);
  const lock = await readLock(folder);
  const wrong: string[] = [];
  const compiled: string[] = [];
  const trusted: string[] = [];
  const drawn = contracts[Math.floor(options.time / DAY_MS) % Math.max(1, contracts.length)];

  const check = async (contract: Contract): Promise<void> => {
    const { name } = contract;
    const entry = lock[name];
    if (entry === undefined) return void wrong.push(`${name} is not in classes.lock.json`);
    if (entry.bundleSha256 !== fingerprint(contract.bundle)) return void wrong.push(`${name} was compiled from other sources or by another compiler`);
    const text = await readFile(artefactPath(name, folder), 'utf8').catch(() => undefined);
    if (text === undefined || sha256(text) !== entry.artefactSha256) return void wrong.push(`artefacts/${name}.contract_class.json is ${text === undefined ? 'missing' : 'not the file that was written'}`);
    if (options.all !== true && contract !== drawn) {
      const hash = classHashOf(await readArtefact(name, folder));
      if (hash !== entry.classHash) wrong.push(`${name} has class hash ${hash}, classes.lock.json says ${entry.classHash}`);
      return void trusted.push(name);
    }
    const contractClass = await compileContract(contract, options);
    compiled.push(name);
    if (formatArtefact(contractClass) !== text) wrong.push(`${name} does not come out of its sources: they make class ${classHashOf(contractClass)}, committed is ${entry.classHash}`);
    else if (classHashOf(contractClass) !== entry.classHash) wrong.push(`${name} has class hash ${classHashOf(contractClass)}, classes.lock.json says ${entry.classHash}`);
  };

  await Promise.all(contracts.map(check));
  const names = new Set(contracts.map(({ name }) => name));
  for (const name of new Set([...Object.keys(lock), ...(await artefactNames(folder))])) if (!names.has(name)) wrong.push(`${name} has no sources any more`);
  if (wrong.length > 0) {
    throw new BuildError('stale-artefacts', `The committed contracts are not those of contracts/src: ${wrong.sort().join('; ')}. Run \`npm run contracts\` and commit what it writes.`, { fault: 'user', fields: { wrong } });
  }
  return { compiled: compiled.sort(), trusted: trusted.sort() };
}
