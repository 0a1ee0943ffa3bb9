/** `npm run contracts`: compiles the Cairo sources, checks what is committed, runs their tests. */
import { CONTRACTS_FOLDER } from '@ciro/contracts/build/artefacts.ts';
import { BuildError } from '@ciro/contracts/build/build-error.ts';
import { readSources } from '@ciro/contracts/build/bundle.ts';
import { checkArtefacts } from '@ciro/contracts/build/check.ts';
import { askAgain, compileAll } from '@ciro/contracts/build/compile.ts';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { startDevnet } from '@ciro/contracts/chain/devnet.ts';
import { findDevnet } from '@ciro/contracts/chain/find-devnet.ts';
import { readNetwork } from '@ciro/contracts/chain/network.ts';
import { ChainClient } from '@ciro/contracts/chain/starknet.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import { parseContractsOptions } from './contracts-options.ts';
import { coverContracts, testContracts } from './contracts-tests.ts';
import { runCommand } from './run-command.ts';
import type { CompileOptions } from '@ciro/contracts/build/compile.ts';
import type { ContractsOptions } from './contracts-options.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** A node to ask for compiled classes, started when the first question comes. */
function nodeToAsk(signal: AbortSignal) {
  const stack = new AsyncDisposableStack();
  let account: Promise<ChainAccount | undefined> | undefined;
  const open = async (): Promise<ChainAccount | undefined> => {
    const found = await findDevnet(process.env, cacheFolder());
    if (found === undefined) return undefined;
    const network = await readNetwork('devnet');
    if (network.devnet === undefined) return undefined;
    const devnet = stack.use(await startDevnet(found.binary, network.devnet, 0, signal));
    const [keys] = devnet.accounts;
    return keys === undefined ? undefined : new ChainAccount(await ChainClient.connect({ rpc: devnet.rpc, chainId: network.chainId, local: true, signal }), keys);
  };
  const ask: CompileOptions['askNode'] = async (contractClass) => {
    const asked = await (account ??= open());
    if (asked === undefined) throw new BuildError('no-class-hash', 'There is no node to ask for the compiled class. Name a starknet-devnet 0.8.2 with CIRO_DEVNET_BIN, or run `npm run chain -- --once` once, which gets one.', { fault: 'platform' });
    return asked.compiledClassHash(contractClass);
  };
  return { ask, stack };
}

async function compile(options: Extract<ContractsOptions, { do: 'compile' | 'ask' }>, signal: AbortSignal): Promise<void> {
  const { ask, stack } = nodeToAsk(signal);
  await using _node = stack;
  const given: CompileOptions = { sources: readSources(), folder: CONTRACTS_FOLDER, report: print, signal, askNode: ask };
  if (options.do === 'ask') return await askAgain(given);
  const compiled = await compileAll({ ...given, all: options.all, only: options.only });
  if (compiled.length === 0) print(options.only === undefined ? 'nothing changed' : `there is no contract ${options.only}`);
}

await runCommand(async (signal) => {
  const options = parseContractsOptions(process.argv.slice(2));
  if (options.do === 'test') await testContracts(options.filter, signal);
  else if (options.do === 'coverage') await coverContracts(signal);
  else if (options.do === 'check') {
    const { compiled, trusted } = await checkArtefacts({ sources: readSources(), folder: CONTRACTS_FOLDER, report: print, signal, all: options.all, time: Date.now() });
    print(`compiled again and the same: ${compiled.join(', ') || 'none'}`);
    if (trusted.length > 0) print(`sources, artefact and class hash as classes.lock.json has them, not compiled again (--all does): ${trusted.join(', ')}`);
  } else await compile(options, signal);
});
