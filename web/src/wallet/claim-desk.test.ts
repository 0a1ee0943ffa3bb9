import { describe, expect, it } from 'vitest';
import { growTree, proofOf, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { ClaimDesk } from './claim-desk.ts';
import { ClaimError } from './claim-error.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { ClaimCode } from './claim-error.ts';
import type { AccountOnChain, ClaimPorts, ContractEpoch } from './claim-ports.ts';
import type { EpochProof } from './epoch-proof.ts';

const ME = '0xacc';
const SPONSOR = '0x5905';
const DOOR: PublicDoor = { network: 'devnet', chainId: '0x534e', rpc: 'http://node/', token: '0x1', store: '0x2', pool: '0x3', jobManager: '0x4', court: '0x5', forwarder: '0x6', accountClass: '0x7', stakeToken: '0x8' };
const EPOCH = 3;
const CUMULATIVE = 700n;

const leaf = leafHasher(DOOR);
const tree = growTree([leaf(0x1n, 5n), leaf(BigInt(ME), CUMULATIVE), leaf(0xfffn, 9n)]);
const PROOF: EpochProof = { epoch: EPOCH, account: ME, index: 1, cumulative: CUMULATIVE, proof: proofOf(tree, 1) };
const CONTRACT: ContractEpoch = { root: rootOf(tree), depth: tree.depth, claimable: true };

interface World {
  readonly door?: PublicDoor | undefined;
  readonly newest?: number | undefined;
  readonly proof?: EpochProof | undefined;
  readonly published?: bigint;
  readonly contract?: ContractEpoch;
  readonly paid?: bigint;
  readonly deployed?: boolean;
  /** What the sponsor answers to the first claims. */
  readonly refusals?: readonly ClaimError[];
  readonly reverts?: boolean;
  readonly sender?: string;
}

function setup(world: World = {}) {
  const log: string[] = [];
  const pauses: number[] = [];
  const steps = new Set<string>();
  let paid = world.paid ?? 0n;
  const refusals = [...(world.refusals ?? [])];
  const chain: AccountOnChain = {
    epoch: async () => world.contract ?? CONTRACT,
    paid: async () => paid,
    tokens: async () => paid,
    pool: { place: () => Promise.reject(new Error('nobody asks')), act: () => Promise.reject(new Error('nobody asks')) },
        isDeployed: async () => world.deployed ?? false,
    claim: async (proof, ticket) => {
      log.push(`claim ${proof.cumulative} with ${ticket ?? 'no ticket'}`);
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      if (world.reverts !== true) paid = proof.cumulative;
      return '0xabc';
    },
    receipt: async () => ({ succeeded: world.reverts !== true, reason: 'CIRO-CS: bad proof', sponsor: world.sender ?? SPONSOR, feeFri: 40n }),
  };
  const has = <Name extends keyof World>(name: Name, otherwise: World[Name]): World[Name] => (name in world ? world[name] : otherwise);
  const ports: ClaimPorts = {
    coordinator: {
      door: async () => has('door', DOOR),
      newestClaimable: async () => has('newest', EPOCH),
      publishedRoot: async () => world.published ?? CONTRACT.root,
      proof: async (_epoch, account) => (account === ME ? has('proof', PROOF) : undefined),
    },
    account: ME,
    open: async () => (log.push('open'), chain),
    ticket: async () => (log.push('ticket'), 'T'),
    paymaster: 'http://here/paymaster',
    pause: async (milliseconds) => void pauses.push(milliseconds),
    now: () => 5,
    date: () => 9,
    keep: ({ transaction }) => void log.push(`keep ${transaction}`),
    changed: ({ step }) => void (step !== undefined && steps.add(step)),
  };
  return { desk: new ClaimDesk(ports), log, pauses, steps };
}

const refused = (code: ClaimCode, retry?: boolean): ClaimError => new ClaimError(code, `refused as ${code}`, { fault: 'platform', fields: { retry } });

describe('Y8: the first payout', () => {
  it('is claimed by the account itself, once, deployed with it, and costs it nothing', async () => {
    const { desk, log, steps } = setup();
    await desk.look(EPOCH);
    expect(log).toEqual(['open', 'ticket', 'claim 700 with T', 'keep 0xabc']);
    expect([...steps]).toEqual(['contract', 'ticket', 'sponsor', 'block']);
    expect(desk.earnings).toEqual({
      chain: 'there', network: 'devnet', account: ME, owed: 0n, onChain: 700n, step: undefined, failure: undefined,
      payouts: [{ epoch: EPOCH, transaction: '0xabc', amount: 700n, paymaster: 'http://here/paymaster', sponsor: SPONSOR, gasPaidFri: 0n, sponsorPaidFri: 40n, milliseconds: 0, at: 9 }],
    });
    await desk.look(EPOCH);
    expect(log).toHaveLength(4);
  });

  it('comes for whoever joins after the notice, too', async () => {
    const { desk, log } = setup();
    await desk.look();
    expect(log).toContain('claim 700 with T');
  });

  it('says what it paid itself, should it ever', async () => {
    const { desk } = setup({ sender: ME });
    await desk.look(EPOCH);
    expect(desk.earnings.payouts[0]).toMatchObject({ gasPaidFri: 40n, sponsorPaidFri: 0n });
  });

  it('asks for no ticket for an account that is there already', async () => {
    const { desk, log } = setup({ deployed: true });
    await desk.look(EPOCH);
    expect(log).toEqual(['open', 'claim 700 with no ticket', 'keep 0xabc']);
  });
});

it('shows payouts of earlier visits behind those of this one, each once', async () => {
  const { desk } = setup();
  const earlier = { epoch: 1, transaction: '0x1', amount: 3n, paymaster: 'p', sponsor: SPONSOR, gasPaidFri: 0n, sponsorPaidFri: 1n, milliseconds: 1, at: 1 };
  desk.recall([earlier]);
  await desk.look(EPOCH);
  desk.recall([earlier]);
  expect(desk.earnings.payouts.map(({ transaction }) => transaction)).toEqual(['0xabc', '0x1']);
});

it('Y8: who only looks claims nothing', async () => {
  const { desk, log } = setup();
  await desk.see();
  expect(log).toEqual(['open']);
  expect(desk.earnings).toMatchObject({ owed: 700n, onChain: 0n, payouts: [] });
});

it('Y8: later earnings wait for the coordinator\'s groups, or for their owner\'s click', async () => {
  const { desk, log } = setup({ paid: 100n, deployed: true });
  await desk.look(EPOCH);
  expect(log).toEqual(['open']);
  expect(desk.earnings).toMatchObject({ owed: 600n, onChain: 100n, payouts: [] });
  await desk.claimNow();
  expect(desk.earnings).toMatchObject({ owed: 0n, onChain: 700n, payouts: [{ amount: 600n }] });
});

it.each([
  ['there is no chain', { door: undefined }, { chain: 'none', owed: undefined }],
  ['no epoch is claimable', { newest: undefined }, { chain: 'there', owed: 0n }],
  ['the account is not in the epoch', { proof: undefined }, { chain: 'there', owed: 0n }],
] as const)('Y8: nothing of the chain is loaded while %s', async (_what, world, shown) => {
  const { desk, log } = setup(world);
  await desk.look();
  expect(log).toEqual([]);
  expect(desk.earnings).toMatchObject({ ...shown, failure: undefined });
});

describe('Y8: nothing is signed', () => {
  const other = { ...PROOF, cumulative: 701n };
  it.each<readonly [what: string, code: string, world: World]>([
    ['for a proof of another amount', 'wrong-proof', { proof: other }],
    ['for a proof of another account', 'wrong-proof', { proof: { ...PROOF, account: '0x1', index: 0, cumulative: 5n, proof: proofOf(tree, 0) } }],
    ['for a proof of another epoch', 'wrong-proof', { proof: { ...PROOF, epoch: 4 } }],
    ['for a proof that is too short', 'wrong-proof', { proof: { ...PROOF, proof: PROOF.proof.slice(1) } }],
    ['when the contract has another root', 'wrong-proof', { contract: { ...CONTRACT, root: 5n }, published: 5n }],
    ['when the coordinator published another root', 'wrong-proof', { published: 5n }],
    ['while the contract pays that epoch not', 'not-claimable', { contract: { ...CONTRACT, claimable: false } }],
  ])('%s', async (_what, code, world) => {
    const { desk, log, pauses } = setup(world);
    await desk.claimNow();
    expect(log).toEqual(['open']);
    expect(pauses).toEqual([]);
    expect(desk.earnings).toMatchObject({ failure: { code, again: false }, payouts: [], step: undefined });
  });
});

describe('Y8: what fails', () => {
  it('for a while is tried again, at most three times, and from the beginning', async () => {
    const { desk, log, pauses } = setup({ refusals: [refused('unreachable'), refused('refused', true)] });
    await desk.look(EPOCH);
    expect(pauses).toEqual([2_000, 10_000]);
    expect(log.filter((entry) => entry.startsWith('claim'))).toHaveLength(3);
    expect(desk.earnings).toMatchObject({ failure: undefined, payouts: [{ amount: 700n }] });
  });

  it('again and again is given up, with its reason', async () => {
    const { desk, pauses } = setup({ refusals: Array.from({ length: 5 }, () => refused('unreachable')) });
    await desk.look(EPOCH);
    expect(pauses).toHaveLength(2);
    expect(desk.earnings.failure).toEqual({ code: 'unreachable', message: 'refused as unreachable', again: false });
    await desk.claimNow();
    expect(desk.earnings.payouts).toHaveLength(1);
  });

  it.each<readonly [code: string, world: World]>([
    ['refused', { refusals: [refused('refused')] }],
    ['paymaster-lied', { refusals: [refused('paymaster-lied')] }],
    ['no-ticket', { refusals: [refused('no-ticket')] }],
    ['reverted', { reverts: true }],
  ])('for good (%s) is not tried again', async (code, world) => {
    const { desk, pauses } = setup(world);
    await desk.look(EPOCH);
    expect(pauses).toEqual([]);
    expect(desk.earnings).toMatchObject({ failure: { code, again: false }, payouts: [] });
  });
});

it('Y8: notices that come at once end in one claim, and none begins after the end', async () => {
  const { desk, log } = setup();
  await Promise.all([desk.look(EPOCH), desk.look(EPOCH), desk.look(), desk.claimNow()]);
  expect(log.filter((entry) => entry.startsWith('claim'))).toHaveLength(1);
  desk.close();
  await desk.claimNow();
  expect(log.filter((entry) => entry === 'ticket')).toHaveLength(1);
});
