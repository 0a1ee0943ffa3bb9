import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { checkedPaymaster } from '@ciro/web/wallet/checked-paymaster.ts';
import { Account, PaymasterRpc, ec, encode, hash, num } from 'starknet';
import type { Relayer } from '@ciro/signaling/chain/start-relayer.ts';
import type { Call, RpcProvider } from 'starknet';

export const STRK = '0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d';
/** Looks at a transaction this often, in milliseconds. */
const LOOK_MS = 20;

/** How one sponsored action went. */
export interface Sponsored {
  readonly transaction: string;
  readonly succeeded: boolean;
  /** Milliseconds from the call to the answer, and to the receipt. */
  readonly answeredMs: number;
  readonly receiptMs: number;
  readonly l2Gas: number;
}

/** A worker as a tab has it: a fresh key, an account that is not deployed, no STRK, and a checked paymaster. `lie` changes what the paymaster answers on its way. */
export function sponsoredWorker(provider: RpcProvider, relayer: Relayer, { lie }: { readonly lie?: (method: string, result: Record<string, unknown>) => void } = {}) {
  const privateKey = num.toHex(BigInt(`0x${encode.buf2hex(ec.starkCurve.utils.randomPrivateKey())}`) % 2n ** 250n);
  const key = ec.starkCurve.getStarkKey(privateKey);
  const address = num.toHex(hash.calculateContractAddressFromHash(key, ACCOUNT_CLASS_HASH, [key], 0)) as `0x${string}`;
  const account = new Account({ provider, address, signer: privateKey });
  const baseFetch: typeof globalThis.fetch = async (url, init) => {
    const response = await fetch(url, init);
    const body = (await response.json()) as { result?: unknown };
    const { method } = JSON.parse(String(init?.body)) as { method: string };
    if (lie !== undefined && typeof body.result === 'object' && body.result !== null) lie(method, body.result as Record<string, unknown>);
    return new Response(JSON.stringify(body));
  };
  const honest = new PaymasterRpc({ nodeUrl: relayer.url ?? '', headers: { 'x-ciro-ticket': relayer.issueTicket(address) }, baseFetch });
  account.paymaster = checkedPaymaster(honest, { forwarder: relayer.forwarder, chainId: relayer.chainId, now: Date.now });
  const deploymentData = { address, class_hash: ACCOUNT_CLASS_HASH, salt: key, calldata: [key], version: 1 as const };

  /** Acts through starknet.js's own `executePaymasterTransaction`. */
  const act = async (calls: Call[], deploys: boolean): Promise<Sponsored> => {
    const started = performance.now();
    const { transaction_hash } = await account.executePaymasterTransaction(calls, { feeMode: { mode: 'sponsored' }, ...(deploys ? { deploymentData } : {}) });
    const answeredMs = Math.round(performance.now() - started);
    const receipt = await provider.waitForTransaction(transaction_hash, { retryInterval: LOOK_MS });
    const { execution_resources } = receipt.value as unknown as { execution_resources: { l2_gas: number } };
    return { transaction: transaction_hash, succeeded: receipt.isSuccess(), answeredMs, receiptMs: Math.round(performance.now() - started), l2Gas: execution_resources.l2_gas };
  };
  return { address, account, act, deploymentData };
}

/** STRK in fri at an address. */
export async function strkOf(provider: RpcProvider, address: string): Promise<bigint> {
  const [low = '0x0'] = await provider.callContract({ contractAddress: STRK, entrypoint: 'balance_of', calldata: [address] });
  return BigInt(low);
}
