import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { felt } from './felts.ts';
import { NETWORK_NAMES, addressOfHolder, readNetwork } from './network.ts';

const DAY_S = 86_400;

it.for(NETWORK_NAMES.map((name) => [name] as const))('%s has everything, in bounds that the contracts check again', async ([name]) => {
  const network = await readNetwork(name);
  expect(network.name).toBe(name);
  expect(network.treasury.delay).toBeGreaterThanOrEqual(2 * DAY_S);
  // A worker that is accused cannot be gone before it is judged.
  expect(network.pool.coolDown).toBeGreaterThanOrEqual(network.court.responseWindow + network.court.voteWindow);
  expect(network.court.quorum * 2).toBeGreaterThan(network.roles.arbiters.length);
  expect(network.court.challengerBps + network.court.burnBps).toBeLessThanOrEqual(10_000);
  // The stake token is STRK, which has no `burn`: a share of it to burn would make every slash fail (contracts/SPEC.md D1).
  expect(network.court.burnBps).toBe(0);
  // Of a root that the court holds, the court's longest case.
  expect(network.store.maxHold).toBeGreaterThan(network.court.responseWindow + network.court.voteWindow);
  expect(network.treasury.threshold).toBeLessThanOrEqual(network.roles.signers.length);
  expect(network.pool.minStake).toBe(100n * 10n ** 18n);
});

it('waits on the network of real money as long as it takes to see what is coming', async () => {
  const { treasury, store } = await readNetwork('mainnet');
  expect(treasury.handoverDelay).toBeGreaterThanOrEqual(2 * DAY_S);
  expect(store.challengeWindow).toBeGreaterThanOrEqual(DAY_S);
});

it('names the field of a file that is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ciro-networks-'));
  const good = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'networks', 'devnet.json'), 'utf8')) as Record<string, object>;
  writeFileSync(join(folder, 'devnet.json'), JSON.stringify({ ...good, court: { ...good['court'], quorum: 0 } }));
  await expect(readNetwork('devnet', folder)).rejects.toThrow(/devnet\.json: court\.quorum: /);
  rmSync(folder, { recursive: true });
});

it('finds who has a role, or says which setting names nobody', () => {
  const accounts = [{ address: felt(10) }, { address: felt(11) }];
  expect(addressOfHolder({ predeployed: 1 }, 'settler', {}, accounts)).toBe('0xb');
  expect(addressOfHolder({ env: 'CIRO_SETTLER_ADDRESS' }, 'settler', { CIRO_SETTLER_ADDRESS: '0x00AB' }, [])).toBe('0xab');
  expect(() => addressOfHolder({ env: 'CIRO_SETTLER_ADDRESS' }, 'settler', {}, [])).toThrow('CIRO_SETTLER_ADDRESS names, and it names nobody');
  expect(() => addressOfHolder({ env: 'CIRO_SETTLER_ADDRESS' }, 'settler', { CIRO_SETTLER_ADDRESS: '0x0' }, [])).toThrow('names no address');
  expect(() => addressOfHolder({ predeployed: 2 }, 'settler', {}, accounts)).toThrow('account 2 of a devnet, which has 2');
});
