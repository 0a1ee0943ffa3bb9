import { findWork } from '@ciro/core/sponsorship/work.ts';
import { describe, expect, it } from 'vitest';
import { MAX_BINDINGS_PER_CLIENT } from './chain-limits.ts';
import { toFelt } from './felt.ts';
import { signatureOf, unavailable } from './memory-chain.fixture.ts';
import { typedDataHash } from './starknet-hashes.ts';
import { CLAIM, FORWARDER, PARAMETERS, newcomer, said, startService } from './service.fixture.ts';
import { pass, settle } from './virtual-run.fixture.ts';
import type { Built } from './service.fixture.ts';
import type { Felt } from './felt.ts';

const ACCOUNT: Felt = '0xacc';

const nonceOf = ({ typed_data }: { readonly typed_data: Built['typed_data'] }): Felt => (typed_data.message as { readonly Nonce: Felt }).Nonce;

describe('paymaster_buildTransaction', () => {
  it('gives typed data for the forwarder, with the calls in the text that starknet.js compares', async () => {
    const { build, deployed, chain } = startService();
    deployed(ACCOUNT);
    const { result } = await build(ACCOUNT, [{ ...CLAIM, to: '0x0057', selector: CLAIM.selector.replace('0x', '0x0').toUpperCase().replace('0X', '0x') }]);
    const { typed_data, type } = result as Built;
    expect(type).toBe('invoke');
    expect(typed_data.domain).toEqual({ name: 'Account.execute_from_outside', version: '2', chainId: chain.chainId, revision: '1' });
    expect(typed_data.message).toMatchObject({ Caller: FORWARDER, 'Execute After': toFelt(940), 'Execute Before': toFelt(1_900), Calls: [{ To: '0x57', Selector: CLAIM.selector, Calldata: ['0x1', '0x2'] }] });
  });

  const refused: readonly (readonly [what: string, transaction: unknown, parameters: unknown, expected: string])[] = [
    ['a call off the list', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [{ ...CLAIM, to: '0x99' }] } }, PARAMETERS, '163 call-not-allowed'],
    ['one bad call among good ones', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM, { ...CLAIM, selector: '0x1' }] } }, PARAMETERS, '163 call-not-allowed'],
    ['too many calls', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM, CLAIM, CLAIM, CLAIM, CLAIM] } }, PARAMETERS, '163 too-many-calls'],
    ['too much calldata', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [{ ...CLAIM, calldata: new Array(129).fill('0x1') }] } }, PARAMETERS, '163 calldata-too-long'],
    ['a gas token', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM] } }, { version: '0x1', fee_mode: { mode: 'default', gas_token: '0x1' } }, '151 token-not-supported'],
    ['an account that is not there', { type: 'invoke', invoke: { user_address: '0x404', calls: [CLAIM] } }, PARAMETERS, '150 invalid-address'],
    ['an account of a foreign class', { type: 'invoke', invoke: { user_address: '0xbad', calls: [CLAIM] } }, PARAMETERS, '155 class-hash-not-supported'],
    ['bounds that are over', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM] } }, { ...PARAMETERS, time_bounds: { execute_after: 1, execute_before: 1_000 } }, '157 invalid-time-bounds'],
    ['bounds over an hour', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM] } }, { ...PARAMETERS, time_bounds: { execute_after: 1, execute_before: 4_601 } }, '157 invalid-time-bounds'],
    ['bounds that begin later', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [CLAIM] } }, { ...PARAMETERS, time_bounds: { execute_after: 1_001, execute_before: 1_100 } }, '157 invalid-time-bounds'],
    ['a deployment of a foreign class', { type: 'deploy', deployment: { ...newcomer('0x5').deployment, class_hash: '0xbad' } }, PARAMETERS, '155 class-hash-not-supported'],
    ['class hash 0', { type: 'deploy', deployment: { ...newcomer('0x5').deployment, class_hash: '0x0' } }, PARAMETERS, '159 invalid-class-hash'],
    ['a constructor of another shape', { type: 'deploy', deployment: { ...newcomer('0x5').deployment, calldata: ['0x1', '0x2'] } }, PARAMETERS, '158 invalid-deployment-data'],
    ['a deployment at another address', { type: 'deploy', deployment: { ...newcomer('0x5').deployment, address: '0x1' } }, PARAMETERS, '158 invalid-deployment-data'],
    ['a deployment with sigdata', { type: 'deploy', deployment: { ...newcomer('0x5').deployment, sigdata: ['0x1'] } }, PARAMETERS, '158 invalid-deployment-data'],
    ['an action of another account than the one deployed', { type: 'deploy_and_invoke', deployment: newcomer('0x5').deployment, invoke: { user_address: ACCOUNT, calls: [CLAIM] } }, PARAMETERS, '150 invalid-address'],
    ['a newcomer without a ticket', { type: 'deploy', deployment: newcomer('0x5').deployment }, PARAMETERS, '163 ticket-needed'],
    ['a felt that is none', { type: 'invoke', invoke: { user_address: '12', calls: [CLAIM] } }, PARAMETERS, '-32602 paymaster_buildTransaction'],
    ['no call', { type: 'invoke', invoke: { user_address: ACCOUNT, calls: [] } }, PARAMETERS, '-32602 paymaster_buildTransaction'],
    ['no transaction', null, PARAMETERS, '-32602 paymaster_buildTransaction'],
  ];

  it.each(refused)('refuses %s', async (_what, transaction, parameters, expected) => {
    const { ask, deployed, chain, bugs } = startService();
    deployed(ACCOUNT);
    chain.classes.set('0xbad', '0x666');
    expect(said(await ask('buildTransaction', { transaction, parameters }))).toBe(expected);
    expect(bugs).toEqual([]);
    expect(chain.signed).toBe(0);
  });

  it('keeps a bounded number of builds for one client', async () => {
    const { build, deployed } = startService();
    deployed(ACCOUNT);
    for (let n = 0; n < MAX_BINDINGS_PER_CLIENT; n++) expect(said(await build(ACCOUNT))).toBe('ok');
    expect(said(await build(ACCOUNT))).toBe('163 queue-full');
    expect(said(await build(ACCOUNT, [CLAIM], { client: '5.6.7.8' }))).toBe('ok');
  });
});

describe('paymaster_executeTransaction (SPEC Y3)', () => {
  it('sends what was built and signed, and tells its newest hash', async () => {
    const { signed, execute, deployed, ask, chain, clock, quotas } = startService();
    deployed(ACCOUNT);
    const { result } = await execute(await signed(ACCOUNT));
    const { tracking_id, transaction_hash } = result as { tracking_id: Felt; transaction_hash: Felt };
    await pass(clock, 1_000);
    expect(chain.transactions.get(transaction_hash)?.state.status).toBe('succeeded');
    expect((await ask('trackingIdToLatestHash', { tracking_id })).result).toEqual({ transaction_hash, status: 'accepted' });
    expect((await ask('trackingIdToLatestHash', [tracking_id])).result).toEqual({ transaction_hash, status: 'accepted' });
    expect(said(await ask('trackingIdToLatestHash', { tracking_id: '0x404' }))).toBe('160 invalid-id');
    expect(quotas.today).toEqual({ spent: 10_000_000n, reserved: 0n });
  });

  it('refuses typed data that was swapped between build and execution, whoever signed it', async () => {
    const { signed, execute, deployed, chain } = startService();
    deployed(ACCOUNT);
    const honest = await signed(ACCOUNT);
    const swapped = structuredClone(honest);
    (swapped.typed_data.message as { Calls: { Calldata: string[] }[] }).Calls[0]?.Calldata.push('0x3');
    expect(said(await execute(swapped))).toBe('163 payload-swapped');
    expect(said(await execute({ ...honest, user_address: deployed('0xacd') }))).toBe('163 payload-swapped');
    expect(said(await execute({ ...honest, typed_data: { ...honest.typed_data, types: {} } }))).toBe('163 payload-swapped');
    expect(said(await execute(honest))).toBe('ok');
    expect(chain.transactions.size).toBe(1);
  });

  it('refuses a nonce that was not built here, a stale one, and one of another chain', async () => {
    const { signed, execute, deployed, clock } = startService();
    deployed(ACCOUNT);
    const { typed_data, ...rest } = await signed(ACCOUNT);
    expect(said(await execute({ ...rest, typed_data: { ...typed_data, message: { ...typed_data.message, Nonce: '0x404' } } }))).toBe('163 not-built');
    expect(said(await execute({ ...rest, typed_data: { ...typed_data, domain: { ...typed_data.domain, chainId: 'SN_MAIN' } } }))).toBe('163 wrong-chain');
    clock.advance(900_000);
    expect(said(await execute({ ...rest, typed_data }))).toBe('157 invalid-time-bounds');
  });

  it('answers a replay with the transaction that it became', async () => {
    const { signed, execute, deployed, chain } = startService();
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    const { transaction_hash } = (await execute(payload)).result as { transaction_hash: Felt };
    const replay = await execute(payload);
    expect(said(replay)).toBe('163 already-executed');
    expect(replay.error?.data).toContain(transaction_hash);
    expect(chain.transactions.size).toBe(1);
  });

  it('lets one of two executes that race for a nonce through', async () => {
    const { signed, execute, deployed, chain } = startService();
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    const outcomes = (await Promise.all([execute(payload), execute(payload), execute(payload)])).map(said);
    expect(outcomes.toSorted()).toEqual(['163 already-executed', '163 already-executed', 'ok']);
    expect(chain.transactions.size).toBe(1);
  });

  it('refuses a wrong signature, and costs its account nothing', async () => {
    const { signed, execute, deployed, chain, quotas } = startService({ actionsPerAddressPerDay: 1 });
    deployed(ACCOUNT);
    const honest = await signed(ACCOUNT);
    for (let n = 0; n < 3; n++) expect(said(await execute({ ...honest, signature: ['0x1'] }))).toBe('153 invalid-signature');
    expect(chain.signed).toBe(0);
    expect(quotas.today.reserved).toBe(0n);
    expect(said(await execute(honest))).toBe('ok');
  });

  it('never sends what would revert, and says why', async () => {
    const { signed, execute, deployed, chain, clock, quotas } = startService();
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    chain.bad.add(nonceOf(payload));
    expect(said(await execute(payload))).toBe('156 CIRO-CP: not enough stake');
    expect(chain.signed).toBe(0);
    expect(quotas.today).toEqual({ spent: 0n, reserved: 0n });
    chain.bad.clear();
    expect(said(await execute(payload))).toBe('ok');
    await pass(clock, 1_000);
  });

  it('counts a revert after a simulation that passed against the quota, and pays for it', async () => {
    const { signed, execute, deployed, chain, clock, quotas } = startService({ actionsPerAddressPerDay: 1 });
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    chain.badOnChain.add(nonceOf(payload));
    expect(said(await execute(payload))).toBe('ok');
    await pass(clock, 1_000);
    expect(quotas.today.spent).toBe(10_000_000n);
    expect(said(await execute(payload))).toBe('163 address-quota');
  });

  it('loses nothing when the node falls silent: the same payload goes through afterwards', async () => {
    const { signed, execute, deployed, chain, ask } = startService();
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    chain.down = unavailable();
    expect(said(await execute(payload))).toBe('163 node-unavailable');
    expect((await ask('isAvailable', [])).result).toBe(false);
    chain.down = undefined;
    expect(said(await execute(payload))).toBe('ok');
    expect((await ask('health', [])).result).toBe(true);
  });

  it('signs nothing when gas is dearer than the policy allows', async () => {
    const { signed, execute, deployed, chain } = startService();
    deployed(ACCOUNT);
    const payload = await signed(ACCOUNT);
    chain.gasPrice = 10n ** 12n;
    const refused = await execute(payload);
    expect(said(refused)).toBe('163 gas-spike');
    expect(chain.signed).toBe(0);
    chain.gasPrice = 10n;
    expect(said(await execute(payload))).toBe('ok');
  });

  it('fails no honest execute for a bug, and tells nobody its text', async () => {
    const { ask, deployed, signed, bugs } = startService();
    deployed(ACCOUNT);
    const { typed_data, ...rest } = await signed(ACCOUNT);
    const hostile = { ...typed_data, types: { ...typed_data.types, OutsideExecution: [{ name: 'x', type: 'Loop' }], Loop: [{ name: 'x', type: 'Loop' }] } };
    const reply = await ask('executeTransaction', { transaction: { type: 'invoke', invoke: { ...rest, typed_data: hostile } }, parameters: PARAMETERS });
    expect(said(reply)).toBe('163 payload-swapped');
    expect(bugs).toEqual([]);
  });
});

describe('accounts that are not deployed (SPEC Y1, Y2)', () => {
  const worker = newcomer('0x1234');
  const first = async (service: ReturnType<typeof startService>, credentials: { ticket?: string; work?: string }) => {
    const transaction = { type: 'deploy_and_invoke', deployment: worker.deployment, invoke: { user_address: worker.address, calls: [CLAIM] } };
    const built = await service.ask('buildTransaction', { transaction, parameters: PARAMETERS }, credentials);
    if (built.error !== undefined) return { built, send: () => Promise.resolve(built) };
    const { typed_data } = built.result as Built;
    const signature = worker.sign(typed_data);
    const send = (change: object = {}, with_ = credentials) =>
      service.ask('executeTransaction', { transaction: { type: 'deploy_and_invoke', deployment: worker.deployment, invoke: { user_address: worker.address, typed_data, signature }, ...change }, parameters: PARAMETERS }, with_);
    return { built, send };
  };

  it('deploys and acts in one transaction, with a ticket that is good once', async () => {
    const service = startService();
    const ticket = service.tickets.issue(worker.address);
    const { send } = await first(service, { ticket });
    expect(said(await send())).toBe('ok');
    await pass(service.clock, 1_000);
    expect(service.chain.transactions.size).toBe(1);
    expect(service.chain.done.size).toBe(1);
    const other = newcomer('0x77');
    const transaction = { type: 'deploy', deployment: other.deployment };
    expect(said(await service.ask('buildTransaction', { transaction, parameters: PARAMETERS }, { ticket }))).toBe('163 ticket-needed');
  });

  it('checks the signature by the key in the constructor', async () => {
    const service = startService();
    const { send } = await first(service, { ticket: service.tickets.issue(worker.address) });
    const bad = await first(service, { ticket: service.tickets.issue(worker.address) });
    expect(said(await bad.send({ invoke: { user_address: worker.address, typed_data: (bad.built.result as Built).typed_data, signature: ['0x1', '0x2'] } }))).toBe('153 invalid-signature');
    expect(said(await send())).toBe('ok');
  });

  it('refuses the deployment to be left out or changed between build and execution', async () => {
    const service = startService();
    const { send } = await first(service, { ticket: service.tickets.issue(worker.address) });
    const invoke = (await first(service, { ticket: service.tickets.issue(worker.address) })).built.result as Built;
    expect(said(await service.execute({ user_address: worker.address, typed_data: invoke.typed_data, signature: worker.sign(invoke.typed_data) }))).toBe('163 payload-swapped');
    expect(said(await send())).toBe('ok');
  });

  it('does not use a ticket up for what was not sent', async () => {
    const service = startService();
    const { send } = await first(service, { ticket: service.tickets.issue(worker.address) });
    service.chain.down = unavailable();
    expect(said(await send())).toBe('163 node-unavailable');
    service.chain.down = undefined;
    expect(said(await send())).toBe('ok');
  });

  it('takes work instead, of this slot and account, once', async () => {
    const service = startService();
    const { chainId } = service.chain;
    const slot = service.newcomers.slot;
    const counter = findWork({ chainId, account: worker.address, slot }, 8) ?? -1;
    expect(said((await first(service, { work: `${slot - 2}.${counter}` })).built)).toBe('163 ticket-needed');
    expect(said((await first(service, { work: `${slot}.x` })).built)).toBe('163 ticket-needed');
    const { send } = await first(service, { work: `${slot}.${counter}` });
    const again = await first(service, { work: `${slot}.${counter}` });
    expect(said(await send())).toBe('ok');
    service.chain.classes.delete(worker.address);
    expect(said(await again.send())).toBe('163 ticket-needed');
  });

  it('says that an account is there already, and that it needs no deployment', async () => {
    const service = startService();
    service.deployed(worker.address);
    expect(said((await first(service, { ticket: service.tickets.issue(worker.address) })).built)).toBe('158 invalid-deployment-data');
  });
});

describe('what a sponsor can lose in a day', () => {
  it('10,000 fresh addresses get no more than the day allows, and no more than their networks may ask for', async () => {
    // 60 actions of 29,250,000 fri put aside; 25 networks with 10 builds each.
    const limit = 60n * 29_250_000n;
    const service = startService({ actionsPerClientPerHour: 10, buildsPerClientPerHour: 10, strkPerDay: `0.${String(limit).padStart(18, '0')}`, maxStrkPerAction: '0.000000001' });
    service.chain.submits.push('hold');
    const outcomes = new Map<string, number>();
    for (let n = 0; n < 10_000; n++) {
      const account = service.deployed(toFelt(0x10_000 + n));
      const client = `network ${n % 25}`;
      const built = await service.build(account, [CLAIM], { client });
      const outcome = said(built);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (built.error !== undefined) continue;
      const { typed_data } = built.result as Built;
      void service.execute({ user_address: account, typed_data, signature: signatureOf(account, typedDataHash(typed_data, account)) }, { client });
      await settle(1);
    }
    // All of them wait for the first transaction, so all that may be put aside is.
    expect(service.quotas.today.spent + service.quotas.today.reserved).toBe(limit);
    expect(outcomes.get('ok')).toBeLessThanOrEqual(250);
    expect((outcomes.get('163 daily-stop') ?? 0) + (outcomes.get('163 client-quota') ?? 0)).toBeGreaterThanOrEqual(9_750);
    service.chain.land();
    await pass(service.clock, 30_000);
    expect(service.quotas.today).toEqual({ spent: 60n * 10_000_000n, reserved: 0n });
  });

  it('stops at the last fri of the day, and goes on after midnight', async () => {
    // One action reserves (1,000,000 + 500,000 gas) x 1.3 at 10 fri x 1.5.
    const reserved = 29_250_000n;
    const limit = reserved + 10_000_000n;
    const { signed, execute, deployed, clock, quotas } = startService({ strkPerDay: `0.${String(limit).padStart(18, '0')}`, maxStrkPerAction: `0.${String(limit).padStart(18, '0')}` });
    deployed(ACCOUNT);
    expect(said(await execute(await signed(ACCOUNT)))).toBe('ok');
    await pass(clock, 1_000);
    expect(quotas.today.spent).toBe(10_000_000n);
    expect(said(await execute(await signed(ACCOUNT)))).toBe('ok');
    await pass(clock, 1_000);
    const payload = await signed(ACCOUNT);
    expect(said(await execute(payload))).toBe('163 daily-stop');
    const midnight = 86_400_000 - (clock.now() % 86_400_000);
    clock.advance(midnight);
    expect(said(await execute(await signed(ACCOUNT)))).toBe('ok');
  });
});
