/** Settlement of one worker over a local chain, its payout routes, and an account of the chain as the wallet that its page finds. */
import { advanceTime } from '@ciro/contracts/chain/devnet.ts';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { createHttp } from '@ciro/signaling/edge/http-server.ts';
import { openAiError } from '@ciro/signaling/edge/openai-error.ts';
import { payoutRoutes } from '@ciro/signaling/edge/payout-routes.ts';
import { Signer } from 'starknet';
import { SettledLedger } from './settled-ledger.ts';
import { settlerOf } from './paid-epochs.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { SettlementOptions } from '@ciro/signaling/settlement/settlement.ts';

/** A window with a wallet that an extension injected: it signs by the keys of a deployed account. `says`: what it answers otherwise. */
export function windowWithWallet({ address, privateKey }: Keys, chainId: string, says: Readonly<Record<string, unknown>> = {}) {
  const request = async ({ type, params }: { readonly type: string; readonly params?: object }): Promise<unknown> => {
    if (type in says) return says[type];
    if (type === 'wallet_requestAccounts') return [address];
    if (type === 'wallet_requestChainId') return chainId;
    const signature = await new Signer(privateKey).signMessage(params as never, address);
    return Array.isArray(signature) ? signature : [signature.r, signature.s].map((felt) => `0x${felt.toString(16)}`);
  };
  const wallet = { id: 'account', name: 'An account of the devnet', version: '1.0.0', icon: 'data:image/png;base64,', request, on: () => undefined, off: () => undefined };
  return Object.assign(new EventTarget(), { starknet_account: wallet }) as unknown as Window;
}

/** Settlement over the chain, with its payout routes behind a `fetch`. */
export async function settledChain({ chain, plan, devnet, keysOf }: LocalChain, chainId: string, options: Partial<SettlementOptions>) {
  const { CommitmentStore: store, CiroToken: token } = plan.addresses;
  const settler = keysOf(plan.roles.settler);
  const balanceOf = settlerOf({ chain, plan, devnet, keysOf } as LocalChain).balanceOf;
  const none = (): never => {
    throw new TypeError('nobody asks for that');
  };
  const ledger = await SettledLedger.open(
    {
      rpc: devnet.rpc, chainId, store, token, settler, accounts: devnet.accounts, veto: none, paidOf: none, gasOf: none,
      fund: async (amount) => void (await new ChainAccount(chain, settler).execute('fund the store', [transferCall(token, store, amount)])),
      tokensOf: (account) => balanceOf(account as `0x${string}`),
      passTime: (seconds) => advanceTime(devnet.rpc, seconds),
      [Symbol.asyncDispose]: async () => {},
    },
    1,
    options,
  );
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  payoutRoutes(app, ledger.settlement, { take: () => undefined });
  return {
    ledger,
    balanceOf,
    async fetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
      const { statusCode, payload } = await app.inject({ method: init?.method === 'POST' ? 'POST' : 'GET', url: new URL(String(url)).pathname, headers: { 'content-type': 'application/json' }, ...(init?.body === undefined ? {} : { payload: String(init.body) }) });
      return new Response(payload, { status: statusCode });
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await ledger[Symbol.asyncDispose]();
    },
  };
}
