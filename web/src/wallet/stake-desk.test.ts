import { expect, it } from 'vitest';
import { ClaimError } from './claim-error.ts';
import { StakeDesk } from './stake-desk.ts';
import type { PoolPlace } from './claim-ports.ts';

const NOW_S = 1_800_000_000;
const DOOR = { object: 'chain', network: 'devnet', chainId: '0x534e', token: '0x1', store: '0x2', pool: '0x3', jobManager: '0x4', court: '0x5', forwarder: '0x6', accountClass: '0x7', stakeToken: '0x8' };

function setup(part: Partial<PoolPlace> = {}, { deployed = true, chain = true, fails = false } = {}) {
  const place: PoolPlace = { tier: 'newcomer', active: true, stake: 0n, cooling: 0n, readyAt: 0, bond: 0n, minStake: 100n, coolDown: 60, funds: 150n, ...part };
  const sent: { readonly entrypoints: readonly string[]; readonly ticket: string | undefined }[] = [];
  const desk = new StakeDesk({
    base: 'http://here/',
    fetch: async (url) => {
      if (new URL(String(url)).pathname === '/v1/chain') return chain ? Response.json(DOOR) : Response.json({}, { status: 404 });
      return Response.json({ data: [{ accused: '0xacc', ruling: { guilty: true, slashed: '7' } }, { accused: '0xacc', ruling: null }, { accused: '0xbcc', ruling: { guilty: true, slashed: '5' } }] });
    },
    account: '0xacc',
    nodeId: '1234',
    open: async () => ({
      epoch: () => Promise.reject(new Error('nobody asks')),
      paid: async () => 0n,
      tokens: async () => 0n,
      claim: () => Promise.reject(new Error('nobody asks')),
      isDeployed: async () => deployed,
      pool: { place: async () => place, act: async (calls, ticket) => (sent.push({ entrypoints: calls.map(({ entrypoint }) => entrypoint), ticket }), '0xabc') },
      receipt: async () => ({ succeeded: !fails, reason: 'CIRO-CP: paused', sponsor: '0x5', feeFri: 1n }),
    }),
    ticket: async () => 'T',
    now: () => NOW_S * 1000,
  });
  return { desk, sent };
}

it.each([
  ['none', { tier: 'unknown' }],
  ['registered', { stake: 99n }],
  ['staked', { tier: 'staked', stake: 100n }],
  ['cooling', { tier: 'staked', stake: 100n, cooling: 5n, readyAt: NOW_S + 1 }],
  ['ready', { cooling: 5n, readyAt: NOW_S }],
] as const)('Q6: tells a worker that is %s, with what the court took from it', async (state, part) => {
  expect(await setup(part).desk.look()).toMatchObject({ state, slashed: 7n, account: '0xacc' });
});

it('Q6: acts by one sponsored transaction each, with a ticket where the account comes with it', async () => {
  const { desk, sent } = setup({ stake: 30n }, { deployed: false });
  await desk.register();
  await desk.stake(150n);
  await desk.leave();
  await desk.stay();
  await desk.withdraw();
  expect(sent.map(({ entrypoints }) => entrypoints)).toEqual([['register'], ['approve', 'stake'], ['unstake_intent'], ['cancel_unstake'], ['unstake_action']]);
  expect(sent.every(({ ticket }) => ticket === 'T')).toBe(true);
});

it('Q6: asks for nothing that cannot be: more than the account holds, nothing, leaving without a stake, a pool without a chain', async () => {
  const { desk, sent } = setup();
  for (const act of [() => desk.stake(151n), () => desk.stake(0n), () => desk.leave(), () => setup({}, { chain: false }).desk.register()]) await expect(act()).rejects.toMatchObject({ name: 'ClaimError', code: 'refused' });
  expect(sent).toEqual([]);
  await expect(setup({}, { fails: true }).desk.register()).rejects.toThrow(ClaimError);
  await expect(setup({}, { fails: true }).desk.register()).rejects.toMatchObject({ code: 'reverted', message: expect.stringContaining('CIRO-CP: paused') });
});
