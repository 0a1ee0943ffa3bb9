/** A devnet with everything deployed, on which CIRO is staked and a share of what is slashed is burnt; and what everybody does in court. */
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { advanceTime, setTime } from '@ciro/contracts/chain/devnet.ts';
import { felt, u256 } from '@ciro/contracts/chain/felts.ts';
import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { executeSponsored, signOutside, workerAccount } from '@ciro/contracts/chain/sponsored.ts';
import { CdcPool } from '@ciro/signaling/chain/cdc-pool.ts';
import { ContractCaller } from '@ciro/signaling/chain/contract-caller.ts';
import { DisputeCourt } from '@ciro/signaling/chain/dispute-court.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { ContractName } from '@ciro/contracts/chain/plan.ts';
import type { Call, Receipt } from '@ciro/contracts/chain/starknet.ts';

export const CIRO = 10n ** 18n;
/** Seconds in which an epoch can be disputed: the devnet's own one is too short to be hit by two transactions. */
const CHALLENGE_WINDOW = 600;
const POLL_MS = 20;
/** What is sent without an estimate may take: far more than any move in court. */
const BOUNDS = { l1_gas: { max_amount: 0n, max_price_per_unit: 10n ** 15n }, l1_data_gas: { max_amount: 100_000n, max_price_per_unit: 10n ** 7n }, l2_gas: { max_amount: 100_000_000n, max_price_per_unit: 10n ** 10n } };

export type CourtChain = Awaited<ReturnType<typeof openCourtChain>>;

export async function openCourtChain(binary: string) {
  const local = await openLocalChain({
    binary,
    change: (network, { addresses }) => ({ ...network, tokens: { stake: addresses.CiroToken }, store: { ...network.store, challengeWindow: CHALLENGE_WINDOW }, court: { ...network.court, burnBps: 2_000 } }),
  });
  return courtChain(local);
}

function courtChain(local: LocalChain) {
  const { chain, plan, devnet } = local;
  const { addresses: at, roles } = plan;
  const gas = new Map<string, number>();
  const accounts = new Map<Felt, ChainAccount>();
  const accountOf = (address: Felt): ChainAccount => {
    const account = accounts.get(address) ?? new ChainAccount(chain, local.keysOf(address));
    accounts.set(address, account);
    return account;
  };
  const call = (to: ContractName, entrypoint: string, calldata: readonly (bigint | number | string)[] = []): Call => ({ to: at[to], entrypoint, calldata: calldata.map(felt) });
  const noted = (what: string, receipt: Receipt): Receipt => {
    gas.set(what, Math.max(gas.get(what) ?? 0, receipt.l2Gas));
    return receipt;
  };
  /** Sends calls as one of the devnet's accounts; what the last of them took is noted. */
  const as = async (who: Felt, ...calls: Call[]): Promise<Receipt> => {
    const last = calls.at(-1)?.entrypoint ?? '';
    return noted(last, await accountOf(who).execute(last, calls));
  };
  const view = async (to: ContractName, entrypoint: string, calldata: readonly (bigint | number | string)[] = []): Promise<bigint> => BigInt((await chain.view(call(to, entrypoint, calldata)))[0] ?? 0);
  const tokens = (holder: string): Promise<bigint> => view('CiroToken', 'balance_of', [holder]);
  const approve = (spender: ContractName, amount: bigint): Call => call('CiroToken', 'approve', [at[spender], ...u256(amount)]);
  const give = (to: string, amount: bigint): Promise<Receipt> => as(roles.settler, call('CiroToken', 'transfer', [to, ...u256(amount)]));
  const { bond, responseWindow, voteWindow } = plan.network.court;
  const options = (account: Keys) => ({ rpc: devnet.rpc, chainId: felt(`0x${Buffer.from(plan.network.chainId).toString('hex')}`), account });

  /** What the coordinator's own ports do with this chain, as `address`. */
  const portsOf = (address: Felt) => {
    const caller = new ContractCaller(options(local.keysOf(address)));
    return { caller, chainId: caller.chainId, court: new DisputeCourt({ ...options(local.keysOf(address)), court: at.DisputeCourt }, caller), pool: new CdcPool({ ...options(local.keysOf(address)), pool: at.CdcPool }, caller) };
  };
  /** Waits until what a port sent is in a block; its gas is noted. */
  const settled = async (what: string, hash: string): Promise<void> => {
    for (;;) {
      const { value } = await chain.provider.getTransactionReceipt(hash);
      if ('execution_status' in value && value.execution_status !== undefined) {
        if (value.execution_status !== 'SUCCEEDED') throw new Error(`${what} was reverted`);
        gas.set(what, Math.max(gas.get(what) ?? 0, Number(value.execution_resources.l2_gas)));
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };

  /** Makes a block of this time: estimates, and the next transaction, see exactly it, however long they take. */
  const stopAt = (time: number): Promise<void> => setTime(devnet.rpc, time);
  /** Sends calls without an estimate, which would take time; gives the contract's words where it refuses, null where it does not. */
  const sendNow = async (who: Felt, ...calls: Call[]): Promise<string | null> => {
    const { transaction_hash: hash } = await accountOf(who).account.execute(calls.map(({ to, entrypoint, calldata }) => ({ contractAddress: to, entrypoint, calldata: [...calldata] })), { tip: 0, resourceBounds: BOUNDS });
    const { value } = await chain.provider.waitForTransaction(hash, { retryInterval: POLL_MS });
    if (!('execution_status' in value) || value.execution_status === 'SUCCEEDED') return null;
    return /CIRO-[A-Z]{2}: [a-z ]+/.exec('revert_reason' in value ? String(value.revert_reason) : '')?.[0] ?? 'reverted';
  };

  /** A worker's own account of its identity key, deployed by somebody else and without any STRK: everything it does is sponsored. */
  const worker = async (identityKey: string) => {
    const account = workerAccount(felt(identityKey));
    await accountOf(roles.deployer).execute('deploy a worker', [account.deploy]);
    let nonce = 0;
    const act = async (...calls: Call[]): Promise<Receipt> => {
      const outside = await signOutside(chain, account, at.Paymaster, calls, felt(++nonce));
      return noted(`${calls.at(-1)?.entrypoint}, sponsored`, await accountOf(roles.relayer).execute('sponsored', [executeSponsored(at.Paymaster, account.address, outside, 'test')]));
    };
    const stake = async (amount: bigint): Promise<void> => {
      await act(call('CdcPool', 'register', ['0xca9', account.address]));
      await give(account.address, amount);
      await act(approve('CdcPool', amount), call('CdcPool', 'stake', [amount]));
    };
    return { address: account.address, act, stake };
  };

  /** Court and pool hold what they say, and only that. */
  const conserved = async (): Promise<boolean> => {
    const [held, inCourt, pooled, inPool] = await Promise.all([view('DisputeCourt', 'held'), tokens(at.DisputeCourt), view('CdcPool', 'held'), tokens(at.CdcPool)]);
    return held === inCourt && pooled === inPool;
  };

  return {
    local, chain, at, roles, as, call, view, tokens, approve, give, portsOf, settled, worker, conserved, gas,
    bond, responseWindow, voteWindow,
    /** A person of no role. */
    nobody: devnet.accounts[11]?.address as Felt,
    /** Moves the clock to this time, with a block. */
    passUntil: async (time: number) => advanceTime(devnet.rpc, Math.max(1, time - (await chain.blockTime()))),
    stopAt,
    sendNow,
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
}
