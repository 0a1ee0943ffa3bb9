import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { chainFileOf, readChainFile, writeChainFile } from '@ciro/contracts/chain/chain-file.ts';
import { deploy } from '@ciro/contracts/chain/deploy.ts';
import { startDevnet } from '@ciro/contracts/chain/devnet.ts';
import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { readNetwork } from '@ciro/contracts/chain/network.ts';
import { OWNED, planDeployment, readClasses, resolveRoles } from '@ciro/contracts/chain/plan.ts';
import { ChainClient } from '@ciro/contracts/chain/starknet.ts';
import { devnetHere } from '../support/devnet-binary.ts';
import { chainForFile } from '../support/open-chain.ts';

const file = chainForFile();
beforeAll(() => file.open());
beforeEach((context) => file.skipWithout(context));
afterAll(() => file.close());

it('deploys everything once, and the second time nothing', async () => {
  const { steps, deployAgain, chain } = file.local;
  expect(steps.filter(({ state }) => state !== 'sent')).toEqual([]);
  const before = await chain.provider.getBlockNumber();
  const again = await deployAgain();
  expect(again.filter(({ state }) => state !== 'there')).toEqual([]);
  expect(await chain.provider.getBlockNumber()).toBe(before);
});

it('leaves every contract to the Treasury, whose delay is no shorter than two days', async () => {
  const { chain, plan } = file.local;
  for (const name of OWNED) expect(await chain.view({ to: plan.addresses[name], entrypoint: 'owner', calldata: [] }), name).toEqual([plan.addresses.Treasury]);
  const [delay] = await chain.view({ to: plan.addresses.Treasury, entrypoint: 'delay', calldata: [] });
  expect(Number(delay)).toBeGreaterThanOrEqual(172_800);
  for (const setting of plan.settings) expect(setting.holds, setting.what).toContain((await chain.view(setting.view))[0]);
});

it('writes what others need to know, and reads it again', async () => {
  const { plan, devnet } = file.local;
  const folder = mkdtempSync(join(tmpdir(), 'ciro-chain-'));
  const path = join(folder, 'chain.json');
  await writeChainFile(path, chainFileOf(plan, devnet.rpc));
  expect(await readChainFile(path)).toEqual(chainFileOf(plan, devnet.rpc));
  rmSync(folder, { recursive: true });
});

it('goes on where it broke off, at the addresses that another chain has them', async () => {
  const here = await devnetHere();
  if ('missing' in here) throw new Error('The test should have been skipped.');
  const network = await readNetwork('devnet');
  if (network.devnet === undefined) throw new Error('devnet.json starts a devnet');
  await using devnet = await startDevnet(here.binary, network.devnet);
  const chain = await ChainClient.connect({ rpc: devnet.rpc, chainId: network.chainId, local: true });
  const [deployer] = devnet.accounts;
  if (deployer === undefined) throw new Error('a devnet has accounts');
  const plan = planDeployment(network, await readClasses(), resolveRoles(network, deployer.address, {}, devnet.accounts), {}, devnet.accounts);
  expect(plan.addresses).toEqual(file.local.plan.addresses);

  const dry = await deploy({ chain, plan, deployer, signers: devnet.accounts, dryRun: true });
  expect(new Set(dry.map(({ state }) => state))).toEqual(new Set(['would send']));
  expect(dry.filter(({ estimatedFri = 0n }) => estimatedFri > 0n).length).toBe(plan.classes.length + plan.contracts.length + 2);
  expect(await chain.provider.getBlockNumber()).toBe(0);

  let sent = 0;
  const breakOff = (): void => {
    sent += 1;
    if (sent === 10) throw new Error('broken off');
  };
  await expect(deploy({ chain, plan, deployer, signers: devnet.accounts, dryRun: false, report: breakOff })).rejects.toThrow('broken off');
  const rest = await deploy({ chain, plan, deployer, signers: devnet.accounts, dryRun: false });
  expect(rest.slice(0, 10).every(({ state }) => state === 'there')).toBe(true);
  expect(rest.slice(10).every(({ state }) => state === 'sent')).toBe(true);
  expect((await deploy({ chain, plan, deployer, signers: [], dryRun: false })).every(({ state }) => state === 'there')).toBe(true);
});

it('waits for the signers where their keys are not at hand', async () => {
  const here = await devnetHere();
  if ('missing' in here) throw new Error('The test should have been skipped.');
  await using other = await openLocalChain({ binary: here.binary, dryRun: true });
  const { chain, plan, devnet } = other;
  const [deployer] = devnet.accounts;
  if (deployer === undefined) throw new Error('a devnet has accounts');
  const alone = await deploy({ chain, plan, deployer, signers: [], dryRun: false });
  expect(alone.at(-1)).toMatchObject({ state: 'waits', note: expect.stringContaining('has to propose it') });
  const one = await deploy({ chain, plan, deployer, signers: [other.keysOf(plan.roles.signers[0] ?? '0x0')], dryRun: false });
  expect(one.at(-1)).toMatchObject({ state: 'waits', note: expect.stringContaining('1 of 2 confirmations') });
  const both = await deploy({ chain, plan, deployer, signers: plan.roles.signers.map((signer) => other.keysOf(signer)), dryRun: false });
  expect(both.at(-1)).toMatchObject({ step: 'the Treasury’s take-over: execute', state: 'sent' });
});
