/** `npm run chain`: a local node with everything deployed, or a deployment on a network. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChainError } from '@ciro/contracts/chain/chain-error.ts';
import { chainFileOf, writeChainFile } from '@ciro/contracts/chain/chain-file.ts';
import { deploy } from '@ciro/contracts/chain/deploy.ts';
import { isFelt } from '@ciro/contracts/chain/felts.ts';
import { findDevnet } from '@ciro/contracts/chain/find-devnet.ts';
import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { readNetwork } from '@ciro/contracts/chain/network.ts';
import { obtainDevnet } from '@ciro/contracts/chain/obtain-devnet.ts';
import { planDeployment, readClasses, resolveRoles } from '@ciro/contracts/chain/plan.ts';
import { ChainClient } from '@ciro/contracts/chain/starknet.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { parseChainOptions } from './chain-options.ts';
import { describeStep, describeSum } from './chain-table.ts';
import { showProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import type { StepReport } from '@ciro/contracts/chain/deploy.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Plan } from '@ciro/contracts/chain/plan.ts';
import type { ChainOptions } from './chain-options.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const report = (step: StepReport): void => print(describeStep(step));

/** A devnet's binary, fetched or built if there is none. */
async function devnetBinary(signal: AbortSignal): Promise<string> {
  const found = await findDevnet(process.env, cacheFolder());
  if (found !== undefined) {
    print(`node: ${found.binary} (from ${found.from})`);
    return found.binary;
  }
  const progress = showProgress('starknet-devnet');
  try {
    return await obtainDevnet({
      cacheFolder: cacheFolder(),
      env: process.env,
      signal,
      report: (what, done, total) => (done === undefined || total === undefined ? print(what) : what === 'crates' ? process.stderr.write(done % 50 === 0 ? `${done} of about ${total} crates\n` : '') : progress.update(done, total)),
    });
  } finally {
    progress.done();
  }
}

function summary(plan: Plan, steps: readonly StepReport[]): void {
  print(describeSum(steps));
  const waiting = steps.filter(({ state }) => state === 'waits');
  if (waiting.length > 0) print(`\n${waiting.length} step${waiting.length > 1 ? 's wait' : ' waits'}: the contracts are deployed, the Treasury does not own them yet.`);
  print('');
  for (const { name, address } of plan.contracts) print(`${name.padEnd(18)}${address}`);
}

async function local({ once, dryRun, port }: ChainOptions, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const binary = await devnetBinary(signal);
  await using opened = await openLocalChain({ binary, port: once || dryRun ? 0 : port, dryRun, report, signal });
  summary(opened.plan, opened.steps);
  if (dryRun) return;
  const path = join(CHECKOUT, '.ciro', 'chain.json');
  await writeChainFile(path, chainFileOf(opened.plan, opened.devnet.rpc));
  print(`\nrpc               ${opened.devnet.rpc}\nwritten           .ciro/chain.json (after ${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (once) return;
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const said = await Promise.race([stopped, opened.devnet.ended]);
  if (said !== undefined && !signal.aborted) throw new ChainError('devnet-failed', `The node ended: ${said}`, { fault: 'platform' });
}

async function network({ network: name, dryRun }: ChainOptions & { readonly network: 'sepolia' | 'mainnet' }, signal: AbortSignal): Promise<void> {
  const data = await readNetwork(name);
  const rpc = process.env['CIRO_RPC'] ?? data.rpc;
  if (rpc === undefined) throw new ChainError('bad-network', `Which node of ${data.chainId} is to be used? Name its JSON-RPC address with CIRO_RPC.`, { fault: 'user' });
  const deployer = deployerKeys();
  const roles = resolveRoles(data, deployer.address, process.env, []);
  const plan = planDeployment(data, await readClasses(), roles, process.env);
  const chain = await ChainClient.connect({ rpc, chainId: data.chainId, local: false, signal });
  const steps = await deploy({ chain, plan, deployer, signers: [deployer], dryRun, report, signal });
  summary(plan, steps);
  if (dryRun) return;
  await writeChainFile(join(CHECKOUT, '.ciro', `chain-${name}.json`), chainFileOf(plan, rpc));
  await writeFile(join(CHECKOUT, '.ciro', 'handover.json'), `${JSON.stringify(plan.handover, undefined, 2)}\n`);
  print(`\nwritten           .ciro/chain-${name}.json`);
}

function deployerKeys(): Keys {
  const [address, privateKey] = [process.env['CIRO_DEPLOYER_ADDRESS'], process.env['CIRO_DEPLOYER_KEY']];
  if (!isFelt(address) || !isFelt(privateKey)) throw new ChainError('missing-role', 'Who deploys? Set CIRO_DEPLOYER_ADDRESS and CIRO_DEPLOYER_KEY to an account that holds STRK (0x and lower-case hex, without leading zeros).', { fault: 'user' });
  return { address, privateKey };
}

await runCommand(async (signal) => {
  const options = parseChainOptions(process.argv.slice(2));
  const { network: name } = options;
  await (name === 'devnet' ? local(options, signal) : network({ ...options, network: name }, signal));
});
