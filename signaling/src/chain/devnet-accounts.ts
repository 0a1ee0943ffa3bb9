import * as v from 'valibot';

const ANSWER_TIMEOUT_MS = 10_000;
const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/));
const Predeployed = v.looseObject({ result: v.array(v.looseObject({ address: Felt, private_key: Felt })) });

/** An account with its key, 0x hex. */
export interface AccountKeys {
  readonly address: string;
  readonly privateKey: string;
}

/** Accounts that a devnet gives to everybody, with their keys; none where the node is no devnet, or does not answer. */
export async function devnetAccounts(rpc: string): Promise<readonly AccountKeys[]> {
  try {
    const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_getPredeployedAccounts', params: {} }), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return v.parse(Predeployed, await response.json()).result.map(({ address, private_key: privateKey }) => ({ address, privateKey }));
  } catch {
    return [];
  }
}
