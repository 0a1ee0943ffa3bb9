/** A coordinator's HTTP face over a local chain: the door, reads, epochs with proofs, and the paymaster. Its ledger is what a test says. */
import { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { felt, textFelt } from '@ciro/contracts/chain/felts.ts';
import { startRelayer } from '@ciro/signaling/chain/start-relayer.ts';
import { chainRoutes } from '@ciro/signaling/edge/chain-routes.ts';
import { epochRoutes } from '@ciro/signaling/edge/epoch-routes.ts';
import { createHttp } from '@ciro/signaling/edge/http-server.ts';
import { openAiError } from '@ciro/signaling/edge/openai-error.ts';
import * as v from 'valibot';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { EpochRouteDependencies } from '@ciro/signaling/edge/epoch-routes.ts';
import type { PostedEpoch } from './paid-epochs.ts';

/** What `.ciro/chain.json` tells of a local chain, as clients are told it. */
export function doorOf({ plan, chain, devnet }: LocalChain): ChainDoor {
  const { addresses, network } = plan;
  return v.parse(ChainDoor, {
    network: network.name, chainId: textFelt(chain.chainId), rpc: devnet.rpc, token: addresses.CiroToken, store: addresses.CommitmentStore, pool: addresses.CdcPool,
    jobManager: addresses.JobManager, court: addresses.DisputeCourt, forwarder: addresses.Paymaster, accountClass: ACCOUNT_CLASS_HASH, stakeToken: network.tokens.stake,
  });
}

/** A relayer that pays for claims and for the pool, through the Paymaster contract. */
export const claimRelayer = ({ plan, chain, devnet, keysOf }: LocalChain) =>
  startRelayer({
    nodeUrl: devnet.rpc,
    chainId: textFelt(chain.chainId),
    policy: {
      version: 1,
      calls: [
        { to: plan.addresses.CommitmentStore, entrypoints: ['claim'] },
        { to: plan.addresses.CdcPool, entrypoints: ['register', 'stake', 'unstake_intent', 'cancel_unstake', 'unstake_action'] },
        { to: felt(plan.network.tokens.stake), entrypoints: ['approve'] },
      ],
      accountClasses: [{ classHash: ACCOUNT_CLASS_HASH, constructor: 'public-key' }],
      actionsPerClientPerHour: 1_000,
      buildsPerClientPerHour: 1_000,
      strkPerDay: '50',
      newAccounts: { tickets: true, workBits: null },
    },
    backEnd: { kind: 'local', senders: [keysOf(plan.roles.relayer)], forwarder: plan.addresses.Paymaster },
  });

export async function serveSponsored(local: LocalChain, epochs: readonly PostedEpoch[], door = doorOf(local)) {
  const relayer = await claimRelayer(local);
  const settlement: EpochRouteDependencies['settlement'] = {
    epochs: async () =>
      epochs.map(({ epoch, tree, receipt }) => ({
        summary: { network: 'test', chain_id: door.chainId, store: door.store, epoch, total: String(tree.total), count: tree.payees.length, depth: tree.depth, root: tree.root, data_hash: '0x1' },
        state: 'claimable', transaction: String(receipt), block: null, postedAt: 0, closedAt: 0,
      })),
    epoch: async () => undefined,
    performance: async () => undefined,
    performanceProof: async () => undefined,
    proof: async (number, account) => {
      const tree = epochs.find(({ epoch }) => epoch === number)?.tree;
      const index = tree?.payees.findIndex((payee) => payee.account === account) ?? -1;
      const payee = tree?.payees[index];
      return tree === undefined || payee === undefined ? undefined : { epoch: number, account, index, cumulative: String(payee.cumulative), proof: tree.proof(index) };
    },
  };
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  chainRoutes(app, { door, node: local.devnet.rpc }, { take: () => {} });
  epochRoutes(app, { settlement });
  await app.register(relayer.plugin, { prefix: '/paymaster' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    base: `http://127.0.0.1:${port}/`,
    relayer,
    async [Symbol.asyncDispose]() {
      await app.close();
      await relayer.close();
    },
  };
}
