/** Carries a plan out: every step asks the chain first, so that a deployment that broke off goes on, and one that is whole sends nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChainAccount } from './account.ts';
import { ChainError } from './chain-error.ts';
import { felt, sameFelt, shortFelt } from './felts.ts';
import { proposalData } from './plan.ts';
import type { Estimable, Keys } from './account.ts';
import type { Felt } from './felts.ts';
import type { Plan, Setting } from './plan.ts';
import type { Call, ChainClient, Receipt } from './starknet.ts';

/** Wait for the Treasury's delay no longer than this; who comes later runs the command again. */
const LONGEST_WAIT_S = 60;
const WAIT_POLL_MS = 1_000;
/** Variants of the Treasury's `ProposalState`. */
const STATE = { unknown: 0n, pending: 1n, queued: 2n, executed: 3n, cancelled: 4n } as const;

export interface StepReport {
  readonly step: string;
  /** `there`: the chain had it. `waits`: somebody else has to act, or time has to pass; `note` says which. */
  readonly state: 'there' | 'sent' | 'would send' | 'waits';
  readonly note?: string;
  readonly receipt?: Receipt;
  /** Of a dry run, where it can be told beforehand. */
  readonly estimatedFri?: bigint;
}

export interface DeployOptions {
  readonly chain: ChainClient;
  readonly plan: Plan;
  readonly deployer: Keys;
  /** Keys of signers of the Treasury that are at hand: all of a devnet's, on a network at most the deployer's own. */
  readonly signers: readonly Keys[];
  /** Only lists what would be sent, with estimated fees. */
  readonly dryRun: boolean;
  readonly report?: (step: StepReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Deploys what is not there yet. @returns all steps in order; the last ones may wait for signers or for the Treasury's delay */
export async function deploy(options: DeployOptions): Promise<StepReport[]> {
  const { chain, plan, dryRun } = options;
  const deployer = new ChainAccount(chain, options.deployer);
  const steps: StepReport[] = [];
  const tell = (step: StepReport): void => {
    steps.push(step);
    if (!dryRun) options.report?.(step);
  };
  const pending: { readonly at: number; readonly transaction: Estimable }[] = [];
  const perform = async (step: string, transaction: Estimable, send: () => Promise<Receipt>): Promise<void> => {
    if (dryRun) pending.push({ at: steps.length, transaction });
    tell(dryRun ? { step, state: 'would send' } : { step, state: 'sent', receipt: await send() });
  };

  for (const { name, contractClass, classHash, compiledClassHash } of plan.classes) {
    const step = `declare ${name}`;
    if (await chain.isDeclared(classHash)) tell({ step, state: 'there' });
    else await perform(step, { contractClass, compiledClassHash }, () => deployer.declare(step, contractClass, { classHash, compiledClassHash }));
  }
  for (const { name, classHash, address, call } of plan.contracts) {
    const step = `deploy ${name}`;
    const found = await chain.classHashAt(address);
    if (found === undefined) await perform(step, { calls: [call] }, () => deployer.execute(step, [call]));
    else if (found === classHash) tell({ step, state: 'there' });
    else throw new ChainError('foreign-class', `${name} at ${address} is of class ${found}; this checkout has ${classHash}. It was upgraded: use the checkout that it was upgraded from, or a proposal of the Treasury to upgrade it again.`, { fault: 'user', fields: { name, address, found, classHash } });
  }
  for (const [step, settings] of [['roles, and what is sponsored', plan.settings], ['ownership offered to the Treasury', plan.offers]] as const) {
    const open = await openSettings(chain, settings, dryRun && pending.length > 0);
    const calls = open.map(({ call }) => call);
    if (calls.length === 0) tell({ step, state: 'there' });
    else await perform(step, { calls }, () => deployer.execute(step, calls));
  }
  if (dryRun) await estimate(deployer, pending, steps);
  await handOver(options, tell);
  if (dryRun) for (const step of steps) options.report?.(step);
  return steps;
}

/** Settings that do not hold. Where the contracts are not there yet (`none`), that is all of them. */
async function openSettings(chain: ChainClient, settings: readonly Setting[], none: boolean): Promise<Setting[]> {
  if (none) return [...settings];
  const open = await Promise.all(
    settings.map(async (setting) => {
      if (setting.holds.includes((await chain.view(setting.view))[0] ?? '0x0')) return [];
      const { orView } = setting;
      return orView !== undefined && orView.holds.includes((await chain.view(orView.view))[0] ?? '0x0') ? [] : [setting];
    }),
  );
  return open.flat();
}

async function estimate(deployer: ChainAccount, pending: readonly { readonly at: number; readonly transaction: Estimable }[], steps: StepReport[]): Promise<void> {
  const fees = await deployer.estimate(pending.map(({ transaction }) => transaction));
  for (const [i, { at }] of pending.entries()) {
    const [step, fee] = [steps[at], fees[i]];
    if (step !== undefined && fee !== undefined) steps[at] = { ...step, estimatedFri: fee };
  }
}

/** Propose, confirm and execute the Treasury's take-over, as far as the keys at hand and the time allow. */
async function handOver({ chain, plan, signers, dryRun, signal }: DeployOptions, tell: (step: StepReport) => void): Promise<void> {
  const { handover, network, addresses } = plan;
  const [propose, confirm, execute] = ['the Treasury’s take-over: propose', 'the Treasury’s take-over: confirm', 'the Treasury’s take-over: execute'];
  if (dryRun && (await chain.classHashAt(addresses.Treasury)) === undefined) {
    for (const step of [propose, confirm, execute]) tell({ step, state: 'would send', note: 'by its signers' });
    return;
  }
  const treasury = addresses.Treasury;
  const data = proposalData(handover);
  const [id = felt(0)] = await chain.view({ to: treasury, entrypoint: 'id_of', calldata: data });
  const seated = signers.filter(({ address }) => plan.roles.signers.some((signer) => sameFelt(signer, address)));
  const act = async (step: string, keys: Keys | undefined, call: Call, missing: string): Promise<boolean> => {
    if (dryRun) tell({ step, state: 'would send', note: 'by its signers' });
    else if (keys === undefined) tell({ step, state: 'waits', note: missing });
    else tell({ step, state: 'sent', receipt: await new ChainAccount(chain, keys).execute(step, [call]) });
    return !dryRun && keys !== undefined;
  };

  let proposal = await readProposal(chain, treasury, id);
  if (proposal.state === STATE.cancelled) throw new ChainError('refused', `The Treasury's take-over (${id}) was cancelled by its signers. Nothing more is done here: propose another one.`, { fault: 'user', fields: { id } });
  if (proposal.state !== STATE.unknown) tell({ step: propose, state: 'there' });
  else if (!(await act(propose, seated[0], { to: treasury, entrypoint: 'propose', calldata: data }, `a signer of the Treasury (${plan.roles.signers.map(shortFelt).join(', ')}) has to propose it; calls and salt are in .ciro/handover.json`))) return;
  proposal = await readProposal(chain, treasury, id);

  let missing = network.treasury.threshold - Number(proposal.confirmations);
  if (proposal.state !== STATE.pending) tell({ step: confirm, state: 'there' });
  for (const keys of seated) {
    if (proposal.state !== STATE.pending || missing <= 0) break;
    if ((await chain.view({ to: treasury, entrypoint: 'has_confirmed', calldata: [id, keys.address] }))[0] !== '0x0') continue;
    if (!(await act(confirm, keys, { to: treasury, entrypoint: 'confirm', calldata: [id] }, ''))) return;
    missing -= 1;
  }
  if (proposal.state === STATE.pending && missing > 0) return tell({ step: confirm, state: 'waits', note: `${missing} of ${network.treasury.threshold} confirmations of ${id} are missing` });

  proposal = await readProposal(chain, treasury, id);
  if (proposal.state === STATE.executed) return tell({ step: execute, state: 'there' });
  const left = await waitUntil(chain, Number(proposal.eta), signal);
  if (left > 0) return tell({ step: execute, state: 'waits', note: `in ${Math.ceil(left / 3600)} h anybody can execute it: run the command again` });
  await act(execute, seated[0], { to: treasury, entrypoint: 'execute', calldata: data }, 'anybody can execute it');
}

/** Variant, eta, confirmations of a proposal, as the view gives them. */
async function readProposal(chain: ChainClient, treasury: Felt, id: Felt): Promise<{ readonly state: bigint; readonly eta: bigint; readonly confirmations: bigint }> {
  const [state = 0n, eta = 0n, confirmations = 0n] = (await chain.view({ to: treasury, entrypoint: 'proposal', calldata: [id] })).map((value) => BigInt(value));
  return { state, eta, confirmations };
}

/** Waits until the chain's time is `eta`, a minute at most. Gives the seconds that are left. */
async function waitUntil(chain: ChainClient, eta: number, signal: AbortSignal | undefined): Promise<number> {
  for (let waited = 0; ; waited++) {
    // A block of the next second may be the one: contracts see the time of their own block.
    const left = eta - Math.max(await chain.blockTime(), Math.floor(Date.now() / 1000));
    if (left <= 0 || left > LONGEST_WAIT_S - waited) return left;
    await sleep(WAIT_POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}
