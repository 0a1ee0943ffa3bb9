/** Clients, a coordinator and a relayer for escrows on a local chain where everything is deployed. */
import { randomBytes } from 'node:crypto';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { addressOf, felt, selectorOf, textFelt } from '@ciro/contracts/chain/felts.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { chainModelOf, specHashOf } from '@ciro/core/settlement/escrow.ts';
import { UNIVERSAL_DEPLOYER } from '@ciro/core/settlement/payout-address.ts';
import { JobManager, createCalls } from '@ciro/signaling/chain/job-manager.ts';
import { escrowSpecOf } from '@ciro/signaling/escrow/escrow-spec-of.ts';
import { parseChatRequest } from '@ciro/signaling/intake/chat-request.ts';
import * as v from 'valibot';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { ContractCall } from '@ciro/signaling/chain/job-manager.ts';

const LOOK_MS = 20;
/** Places of accounts of the devnet that have no role: the deployer, and the last one. */
const CLIENT = 11;

export interface FundedJob {
  readonly id: string;
  readonly salt: string;
  /** What is to be sent. */
  readonly body: Readonly<Record<string, unknown>>;
}

export function escrowChainOf(local: LocalChain) {
  const { chain, devnet, plan, keysOf } = local;
  const { JobManager: jobManager, CommitmentStore: store, CiroToken: token } = plan.addresses;
  const chainId = textFelt(chain.chainId);
  const options = (sender: Keys, at: Felt = jobManager) => ({ rpc: devnet.rpc, chainId, jobManager: at, sender, confirmations: 0, devnet: true });
  const client = devnet.accounts[CLIENT];
  if (client === undefined) throw new TypeError('the devnet has 12 accounts');
  const balanceOf = (account: string, of: Felt = token): Promise<bigint> => asClient.balanceOf(of, account);
  const asClient = new JobManager(options(client));
  const asCoordinator = new JobManager(options(keysOf(plan.roles.coordinator)));
  const gas: string[] = [];

  /** Waits for a transaction's block; notes its gas under a name. Throws what it reverted with. */
  async function landed(what: string, transaction: string): Promise<void> {
    const started = performance.now();
    const { l2Gas } = await chain.receipt(felt(transaction), what, started);
    gas.push(`${what} ${(l2Gas / 1e6).toFixed(2)} M`);
  }

  return {
    ...{ client, token, store, jobManager, chainId, asClient, asCoordinator, balanceOf, landed, gas },
    escrow: { ...options(keysOf(plan.roles.coordinator)), store, registerModels: true, lookEveryMs: 100 },
    /** From whom the first tokens are. */
    async give(to: string, amount: bigint): Promise<void> {
      await new ChainAccount(chain, keysOf(plan.roles.settler)).execute('tokens', [transferCall(token, felt(to), amount)]);
    },
    /** A request that a new job is to pay for, and the calls that create it. */
    async prepare(request: Readonly<Record<string, unknown>>, model: { readonly id: string; readonly file: string }, budget: bigint, { seconds = 3_600, sender = client.address as string } = {}): Promise<FundedJob & { readonly calls: ContractCall[] }> {
      const salt = randomBytes(32).toString('hex');
      const nonce = felt(`0x${randomBytes(30).toString('hex')}`);
      const id = await asClient.jobIdOf(sender, nonce);
      const deadline = (await chain.blockTime()) + seconds;
      const specHash = specHashOf(escrowSpecOf(parseChatRequest(request), model.id as HexHash), salt);
      const calls = createCalls(jobManager, { nonce, token, model: chainModelOf(model).id, specHash, budget, deadline });
      return { id, salt, body: { ...request, ciro: { escrow: id, escrow_salt: salt } }, calls };
    },
    /** Polls a view of the contract until it has this state. */
    async until(id: string, state: string): Promise<void> {
      while ((await asClient.job(id, 'newest')).state !== state) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
    async untilRegistered(model: string): Promise<void> {
      while (!(await asClient.model(model)).registered) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
    /** Another JobManager of the same class, owned and coordinated by the client, with two tokens of which each has a sink of its own. */
    async withTwoTokens(sinks: readonly (readonly [token: Felt, sink: Felt])[]): Promise<{ readonly contract: JobManager; readonly address: Felt }> {
      const classHash = plan.contracts.find(({ name }) => name === 'JobManager')?.classHash ?? felt(0);
      const data = [client.address, client.address, felt(0), felt(60), felt(60), felt(sinks.length), ...sinks.flat()];
      const salt = textFelt('two tokens');
      const address = addressOf(salt, classHash, data);
      await new ChainAccount(chain, client).execute('a JobManager with two tokens', [
        { to: UNIVERSAL_DEPLOYER, entrypoint: 'deployContract', calldata: [classHash, salt, felt(0), felt(data.length), ...data] },
        { to: address, entrypoint: 'grant_role', calldata: [selectorOf('MODEL_ADMIN'), client.address] },
      ]);
      return { contract: new JobManager(options(client, address)), address };
    },
  };
}

/** What the contract said when it refused. */
export const reasonOf = (error: unknown): string => v.parse(v.object({ fields: v.object({ reason: v.string() }) }), error).fields.reason;
