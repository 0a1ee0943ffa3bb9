import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { constructorData, felt, selectorOf, u256 } from './felts.ts';
import { readNetwork } from './network.ts';
import { CONTRACTS, OWNED, SPONSORED, planDeployment, proposalData, readClasses, resolveRoles } from './plan.ts';
import type { Network } from './network.ts';
import type { Plan, PlannedClass } from './plan.ts';

const SOURCES = join(import.meta.dirname, '..', 'src');
const ACCOUNTS = Array.from({ length: 12 }, (_, at) => ({ address: felt(0x100 + at) }));
const DEPLOYER = felt(0x100);

let network: Network;
let classes: PlannedClass[];
let plan: Plan;
beforeAll(async () => {
  network = await readNetwork('devnet');
  classes = await readClasses();
  plan = planDeployment(network, classes, resolveRoles(network, DEPLOYER, {}, ACCOUNTS), {}, ACCOUNTS);
});

describe('a plan', () => {
  it('has the same addresses each time, others for another deployer or other data', () => {
    const again = planDeployment(network, classes, resolveRoles(network, DEPLOYER, {}, ACCOUNTS), {}, ACCOUNTS);
    expect(again.addresses).toEqual(plan.addresses);
    const other = planDeployment({ ...network, court: { ...network.court, bond: 1n } }, classes, resolveRoles(network, DEPLOYER, {}, ACCOUNTS), {}, ACCOUNTS);
    expect(CONTRACTS.filter((name) => other.addresses[name] !== plan.addresses[name])).toEqual(['DisputeCourt']);
    const elsewhere = planDeployment(network, classes, resolveRoles(network, felt(0x999), {}, ACCOUNTS), {}, ACCOUNTS);
    expect(CONTRACTS.filter((name) => elsewhere.addresses[name] === plan.addresses[name])).toEqual(['Treasury']);
  });

  it('takes the deployer’s last role before it gives ownership away, and hands every contract over', () => {
    const revoked = plan.settings.filter(({ call }) => call.entrypoint === 'revoke_role').map(({ call }) => call.calldata[1]);
    expect(new Set(revoked)).toEqual(new Set([DEPLOYER]));
    expect(plan.settings.filter(({ call }) => call.entrypoint === 'grant_role' && call.calldata[1] === DEPLOYER)).toEqual([]);
    expect(plan.offers.map(({ call }) => call.to)).toEqual(OWNED.map((name) => plan.addresses[name]));
    expect(plan.handover.calls.at(-1)).toEqual({ to: plan.addresses.Treasury, entrypoint: 'set_delay', calldata: [felt(network.treasury.delay)] });
  });

  it('sponsors entry points that exist, and names roles that the sources have', () => {
    for (const [name, entrypoint] of SPONSORED) {
      if (name === 'stake token') continue;
      const abi = JSON.stringify(classes.find((each) => each.name === name)?.contractClass.abi);
      expect(abi, `${name}.${entrypoint}`).toContain(`"type":"function","name":"${entrypoint}"`);
    }
    const sources = readdirSync(SOURCES).filter((file) => file.endsWith('.cairo')).map((file) => readFileSync(join(SOURCES, file), 'utf8')).join('\n');
    const roles = [...sources.matchAll(/selector!\("([A-Z_]+)"\)/g)].map(([, role]) => selectorOf(role ?? ''));
    for (const { what, call } of plan.settings) if (call.entrypoint === 'grant_role') expect(roles, what).toContain(call.calldata[0]);
  });
});

it('fills in constructors by name, and says what nothing is given for', () => {
  const token = classes.find(({ name }) => name === 'CiroToken')?.contractClass;
  if (token === undefined) throw new Error('CiroToken is a contract');
  const given = { initial: 7n, recipient: felt(2), cap: 1n << 130n, owner: felt(1), unasked: 5 };
  expect(constructorData('CiroToken', token, given)).toEqual([felt(1), ...u256(1n << 130n), felt(2), ...u256(7n)]);
  expect(() => constructorData('CiroToken', token, { owner: felt(1) })).toThrow('asks for cap, recipient, initial');
});

it('serialises a proposal as `Span<Call>` and a salt', () => {
  const calls = [{ to: felt(1), entrypoint: 'a', calldata: [felt(5), felt(6)] }, { to: felt(2), entrypoint: 'b', calldata: [] }];
  expect(proposalData({ calls, salt: felt(9) })).toEqual(['0x2', '0x1', selectorOf('a'), '0x2', '0x5', '0x6', '0x2', selectorOf('b'), '0x0', '0x9']);
});
