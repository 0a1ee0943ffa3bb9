/** What a deployment consists of, as data: classes, addresses, settings. Nothing here talks to a chain. */
import { UNIVERSAL_DEPLOYER } from '@ciro/core/settlement/payout-address.ts';
import { readArtefact, readLock } from '../build/artefacts.ts';
import { BuildError } from '../build/build-error.ts';
import { ChainError } from './chain-error.ts';
import { addressOf, constructorData, felt, selectorOf, textFelt, u256 } from './felts.ts';
import { addressOfHolder } from './network.ts';
import type { ContractClass } from '../build/artefacts.ts';
import type { ConstructorValue, Felt } from './felts.ts';
import type { Holder, Network } from './network.ts';
import type { Call } from './starknet.ts';

/** In the order in which each can know the addresses of those before it. */
export const CONTRACTS = ['Treasury', 'CiroToken', 'CommitmentStore', 'CdcPool', 'JobManager', 'DisputeCourt', 'Paymaster'] as const;
export type ContractName = (typeof CONTRACTS)[number];
/** The Treasury owns all others. */
export const OWNED = CONTRACTS.filter((name) => name !== 'Treasury');

/** Who acts, beside the contracts. */
export interface Roles {
  readonly deployer: Felt;
  readonly relayer: Felt;
  readonly settler: Felt;
  readonly coordinator: Felt;
  readonly guardian: Felt;
  readonly signers: readonly Felt[];
  readonly arbiters: readonly Felt[];
}

export interface PlannedClass {
  readonly name: ContractName;
  readonly contractClass: ContractClass;
  readonly classHash: Felt;
  readonly compiledClassHash: Felt;
}

export interface PlannedContract {
  readonly name: ContractName;
  readonly classHash: Felt;
  readonly address: Felt;
  readonly call: Call;
}

/** One thing that has to hold, how to see whether it does, and the call that makes it so. */
export interface Setting {
  readonly what: string;
  readonly view: Call;
  /** Answers of the view that mean it holds. */
  readonly holds: readonly Felt[];
  /** A second view that may say so as well. */
  readonly orView?: { readonly view: Call; readonly holds: readonly Felt[] };
  readonly call: Call;
}

export interface Plan {
  readonly network: Network;
  readonly roles: Roles;
  readonly classes: readonly PlannedClass[];
  readonly contracts: readonly PlannedContract[];
  readonly addresses: Readonly<Record<ContractName, Felt>>;
  readonly settings: readonly Setting[];
  /** Offers of the ownership of all contracts to the Treasury. */
  readonly offers: readonly Setting[];
  /** What the Treasury does when it takes over. */
  readonly handover: { readonly calls: readonly Call[]; readonly salt: Felt };
}

/** Changing it moves every address. */
const SALT = 'ciro-1';

export const zero = felt(0);
const one = felt(1);

/** The classes of this checkout, with the hashes that the lock has for these very files; the node hashes them again. @throws BuildError `stale-artefacts` */
export async function readClasses(folder?: string): Promise<PlannedClass[]> {
  const lock = await readLock(folder);
  return Promise.all(
    CONTRACTS.map(async (name): Promise<PlannedClass> => {
      const entry = lock[name];
      if (entry === undefined) throw new BuildError('stale-artefacts', `classes.lock.json has no ${name}. Run \`npm run contracts\`.`, { fault: 'user', fields: { name } });
      return { name, contractClass: await readArtefact(name, folder, entry.artefactSha256), classHash: felt(entry.classHash), compiledClassHash: felt(entry.compiledClassHash) };
    }),
  );
}

/** Whoever has each role of the network. @throws ChainError `missing-role` */
export function resolveRoles(network: Network, deployer: Felt, env: NodeJS.ProcessEnv, predeployed: readonly { readonly address: Felt }[]): Roles {
  const one = (holder: Holder, role: string): Felt => addressOfHolder(holder, role, env, predeployed);
  const { relayer, settler, coordinator, guardian, signers, arbiters } = network.roles;
  return {
    deployer,
    relayer: one(relayer, 'relayer'),
    settler: one(settler, 'settler'),
    coordinator: one(coordinator, 'coordinator'),
    guardian: one(guardian, 'guardian'),
    signers: signers.map((holder, at) => one(holder, `signer ${at + 1}`)),
    arbiters: arbiters.map((holder, at) => one(holder, `arbiter ${at + 1}`)),
  };
}

/** Puts a deployment together. @throws ChainError `bad-constructor`, `missing-role` */
export function planDeployment(network: Network, classes: readonly PlannedClass[], roles: Roles, env: NodeJS.ProcessEnv = {}, predeployed: readonly { readonly address: Felt }[] = []): Plan {
  const contracts: PlannedContract[] = [];
  const addresses: Partial<Record<ContractName, Felt>> = {};
  const at = (name: ContractName): Felt => addresses[name] ?? zero;
  for (const name of CONTRACTS) {
    const planned = classes.find((each) => each.name === name);
    if (planned === undefined) throw new ChainError('bad-constructor', `There is no class ${name}.`, { fault: 'bug', fields: { name } });
    const recipient = network.token.recipient === 'treasury' ? at('Treasury') : addressOfHolder(network.token.recipient, 'holder of the first tokens', env, predeployed);
    const data = constructorData(name, planned.contractClass, constructorOf(name, network, roles, at, recipient));
    const salt = textFelt(`${SALT}/${name}`);
    const address = addressOf(salt, planned.classHash, data);
    addresses[name] = address;
    contracts.push({ name, classHash: planned.classHash, address, call: { to: UNIVERSAL_DEPLOYER, entrypoint: 'deployContract', calldata: [planned.classHash, salt, zero, felt(data.length), ...data] } });
  }
  const all = addresses as Record<ContractName, Felt>;
  const { delay, handoverDelay } = network.treasury;
  return {
    network,
    roles,
    classes,
    contracts,
    addresses: all,
    settings: [...roleSettings(all, roles), ...sponsoredCalls(all, network.tokens.stake)],
    offers: OWNED.map((name) => ({
      what: `${name} offered to the Treasury`,
      view: { to: all[name], entrypoint: 'owner', calldata: [] },
      holds: [all.Treasury],
      orView: { view: { to: all[name], entrypoint: 'pending_owner', calldata: [] }, holds: [all.Treasury] },
      call: { to: all[name], entrypoint: 'transfer_ownership', calldata: [all.Treasury] },
    })),
    handover: {
      salt: textFelt(`${SALT}/hand-over`),
      calls: [
        ...OWNED.map((name): Call => ({ to: all[name], entrypoint: 'accept_ownership', calldata: [] })),
        ...(delay === handoverDelay ? [] : [{ to: all.Treasury, entrypoint: 'set_delay', calldata: [felt(delay)] }]),
      ],
    },
  };
}

/** What the constructors are given, by their parameters' names. The court is deployed after those that obey it, so the deployer stands in for it until the settings name it. */
function constructorOf(name: ContractName, network: Network, roles: Roles, at: (name: ContractName) => Felt, recipient: Felt): Readonly<Record<string, ConstructorValue>> {
  const { store, jobs, pool, court, paymaster, treasury, token, tokens } = network;
  const shared = { owner: roles.deployer, court: roles.deployer, settler: roles.settler, treasury: at('Treasury'), token: at('CiroToken') };
  switch (name) {
    case 'Treasury':
      return { signers: roles.signers, threshold: treasury.threshold, delay: treasury.handoverDelay, grace: treasury.grace };
    case 'CiroToken':
      return { ...shared, cap: token.cap, recipient, initial: token.initial };
    case 'CommitmentStore':
      // CIRO pays many in one call.
      return { ...shared, token_batches: true, challenge_window: store.challengeWindow, max_hold: store.maxHold };
    case 'CdcPool':
      return { ...shared, stake_token: tokens.stake, min_stake: pool.minStake, cool_down: pool.coolDown, payout_delay: pool.payoutDelay, inactive_after: pool.inactiveAfter };
    case 'JobManager':
      return { ...shared, coordinator: roles.coordinator, refund_grace: jobs.refundGrace, dispute_window: jobs.disputeWindow, tokens: [{ 0: at('CiroToken'), 1: at('CommitmentStore') }] };
    case 'DisputeCourt':
      return {
        ...shared,
        pool: at('CdcPool'),
        store: at('CommitmentStore'),
        job_manager: at('JobManager'),
        bond: court.bond,
        response_window: court.responseWindow,
        vote_window: court.voteWindow,
        quorum: court.quorum,
        arbiters: roles.arbiters,
        cap_case_bps: court.capCaseBps,
        cap_epoch: court.capEpoch,
        challenger_bps: court.challengerBps,
        burn_bps: court.burnBps,
      };
    case 'Paymaster':
      return { ...shared, relayer: roles.relayer, max_calls: paymaster.maxCalls, per_account_day: paymaster.perAccountDay, per_day: paymaster.perDay };
  }
}

function roleSettings(at: Readonly<Record<ContractName, Felt>>, roles: Roles): Setting[] {
  const given: readonly (readonly [name: ContractName, role: string, account: Felt])[] = [
    ['CommitmentStore', 'SETTLER', roles.settler],
    ['CommitmentStore', 'COURT', at.DisputeCourt],
    ['CdcPool', 'SETTLER', roles.settler],
    ['CdcPool', 'COURT', at.DisputeCourt],
    ['JobManager', 'COORDINATOR', roles.coordinator],
    ['JobManager', 'MODEL_ADMIN', roles.coordinator],
    ['JobManager', 'COURT', at.DisputeCourt],
    ['DisputeCourt', 'SETTLER', roles.settler],
    ['DisputeCourt', 'COORDINATOR', roles.coordinator],
    ...OWNED.map((name) => [name, 'GUARDIAN', roles.guardian] as const),
  ];
  const standIn: readonly ContractName[] = ['CommitmentStore', 'CdcPool', 'JobManager'];
  return [
    ...given.map(([name, role, account]) => roleSetting(at[name], name, role, account, true)),
    ...standIn.map((name) => roleSetting(at[name], name, 'COURT', roles.deployer, false)),
  ];
}

const roleSetting = (to: Felt, name: ContractName, role: string, account: Felt, given: boolean): Setting => ({
  what: given ? `${name}: ${role}` : `${name}: ${role} no longer the deployer`,
  view: { to, entrypoint: 'has_role', calldata: [selectorOf(role), account] },
  holds: [given ? one : zero],
  call: { to, entrypoint: given ? 'grant_role' : 'revoke_role', calldata: [selectorOf(role), account] },
});

/** What the Paymaster's relayer may pay for: what workers and requesters do with our contracts, and their own CIRO. */
export const SPONSORED: readonly (readonly [name: ContractName | 'stake token', entrypoint: string])[] = [
  ['CommitmentStore', 'claim'],
  ['CdcPool', 'register'],
  ['CdcPool', 'set_capability'],
  ['CdcPool', 'set_payout'],
  ['CdcPool', 'deregister'],
  ['CdcPool', 'stake'],
  ['CdcPool', 'unstake_intent'],
  ['CdcPool', 'cancel_unstake'],
  ['CdcPool', 'unstake_action'],
  ['CdcPool', 'prove_active'],
  ['JobManager', 'create_job'],
  ['JobManager', 'top_up'],
  ['JobManager', 'cancel_job'],
  ['JobManager', 'refund_expired'],
  ['DisputeCourt', 'open'],
  ['DisputeCourt', 'respond'],
  ['DisputeCourt', 'finalise'],
  ['CiroToken', 'approve'],
  ['CiroToken', 'transfer'],
  ['stake token', 'approve'],
];

function sponsoredCalls(at: Readonly<Record<ContractName, Felt>>, stakeToken: Felt): Setting[] {
  return SPONSORED.map(([name, entrypoint]) => {
    const target = [name === 'stake token' ? stakeToken : at[name], selectorOf(entrypoint)];
    return {
      what: `Paymaster: ${name}.${entrypoint}`,
      view: { to: at.Paymaster, entrypoint: 'is_allowed', calldata: target },
      holds: [one],
      call: { to: at.Paymaster, entrypoint: 'set_allowed', calldata: [...target, one] },
    };
  });
}

/** Calldata of `propose` and `execute`: the calls, each (to, selector, calldata), then the salt. */
export function proposalData({ calls, salt }: Plan['handover']): Felt[] {
  return [felt(calls.length), ...calls.flatMap(({ to, entrypoint, calldata }) => [to, selectorOf(entrypoint), felt(calldata.length), ...calldata]), salt];
}

/** A transfer of an ERC-20 token, as everybody has them. */
export const transferCall = (token: Felt, to: Felt, amount: bigint): Call => ({ to: token, entrypoint: 'transfer', calldata: [to, ...u256(amount)] });
