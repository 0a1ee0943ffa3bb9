/** `npm run chain`: a local node with everything deployed, or a deployment on a network. */
import { rm, writeFile } from 'node:fs/promises';
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
import { chainSettingsOf } from '../chain/chain-settings.ts';
import { startRelayer } from '../chain/start-relayer.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { parseChainOptions } from './chain-options.ts';
import { chainSmoke } from './chain-smoke.ts';
import { describeStep, describeSum } from './chain-table.ts';
import { refuseSecondChain } from './find-chain.ts';
import { showProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import { untilAborted } from './until-aborted.ts';
import type { StepReport } from '@ciro/contracts/chain/deploy.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { StartedChain } from '@ciro/contracts/chain/local-chain.ts';
import type { Plan } from '@ciro/contracts/chain/plan.ts';
import type { Receipt } from '@ciro/contracts/chain/starknet.ts';
import type { ChainSettings } from '../chain/chain-settings.ts';
import type { Relayer } from '../chain/start-relayer.ts';
import type { ChainOptions } from './chain-options.ts';

/** Where AVNU's paymaster listens by itself, and wallets look for a local one. */
const RELAYER_PORT = 12_777;

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

/** The relayer over the local chain, at a port of its own, and all that stands on it. */
async function withRelayer<T>(chain: StartedChain, port: number, use: (parts: { readonly settings: ChainSettings; readonly relayer: Relayer & { readonly url: string } }) => Promise<T>): Promise<T> {
  const settings = await chainSettingsOf(chainFileOf(chain.plan, chain.devnet.rpc), {});
  if (settings.relayer === undefined) throw new ChainError('missing-role', 'The devnet does not give its relayer’s key.', { fault: 'bug' });
  const relayer = await startRelayer({ ...settings.relayer, listen: { port } });
  try {
    return await use({ settings, relayer: { ...relayer, url: relayer.url ?? '' } });
  } finally {
    await relayer.close();
  }
}

const describeFee = (step: string, receipt: Receipt): void => print(describeStep({ step, state: 'sent', receipt }));

async function local({ once, dryRun, port }: ChainOptions, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const path = join(CHECKOUT, '.ciro', 'chain.json');
  if (!once && !dryRun) await refuseSecondChain(path, signal);
  const binary = await devnetBinary(signal);
  await using opened = await openLocalChain({ binary, port: once || dryRun ? 0 : port, dryRun, report, signal });
  summary(opened.plan, opened.steps);
  if (dryRun) return;
  await opened.serve();
  print(`\ndeployed after ${seconds()}; a worker from its key to its tokens:`);
  await withRelayer(opened, 0, (parts) => chainSmoke({ chain: opened, ...parts, sent: describeFee, say: (line) => process.stderr.write(`${line}\n`), signal }));
  print(`the smoke passed (after ${seconds()})`);
  if (once) return;

  // The smoke's epochs would stand before those of a coordinator.
  await opened.beginAnew();
  await opened.deployAgain();
  await opened.serve();
  await writeChainFile(path, chainFileOf(opened.plan, opened.devnet.rpc));
  try {
    await withRelayer(opened, RELAYER_PORT, async ({ relayer }) => {
      print(`\nrpc               ${opened.devnet.rpc}\npaymaster         ${relayer.url}\nwritten           .ciro/chain.json (after ${seconds()})`);
      const said = await Promise.race([untilAborted(signal), opened.devnet.ended]);
      if (said !== undefined && !signal.aborted) throw new ChainError('devnet-failed', `The node ended: ${said}`, { fault: 'platform' });
    });
  } finally {
    // Its chain ends with it.
    await rm(path, { force: true });
  }
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
