import { readFile } from 'node:fs/promises';
import { shortString } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import type { CommitmentStoreOptions } from './commitment-store.ts';

/** `bad-file`: the file of the chain is there and cannot be used. `no-key`: nobody gave the settler's key. */
export class ChainSettingsError extends CiroError<'bad-file' | 'no-key'> {}

const ANSWER_TIMEOUT_MS = 10_000;
/** A block of a devnet is there with its transaction, and none is ever taken back. */
const DEVNET_CONFIRMATIONS = 0;

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/));
/** What settlement reads of the file that `npm run chain` writes. */
const ChainFile = v.looseObject({
  rpc: v.pipe(v.string(), v.url()),
  /** As SN_SEPOLIA. */
  chainId: v.pipe(v.string(), v.regex(/^[A-Z0-9_]{1,31}$/)),
  addresses: v.looseObject({ CommitmentStore: Felt }),
  roles: v.looseObject({ settler: Felt }),
});
const Predeployed = v.looseObject({ result: v.array(v.looseObject({ address: Felt, private_key: Felt })) });

/**
 * The settlement contract that a file names (`.ciro/chain.json`), with the settler's key from `CIRO_SETTLER_KEY`, or from the node when it is a
 * devnet, whose keys are public. Undefined when there is no such file. Throws ChainSettingsError.
 */
export async function readChainSettings(path: string, env: NodeJS.ProcessEnv): Promise<CommitmentStoreOptions | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ChainFile), text);
  if (!parsed.success) throw new ChainSettingsError('bad-file', `${path} does not name a settlement contract (${parsed.issues[0].message}); \`npm run chain\` writes it, or move it away to go on without a chain`, { fault: 'user', fields: { path } });
  const { rpc, chainId, addresses, roles } = parsed.output;
  const contract = { rpc, chainId: shortString.encodeShortString(chainId), store: addresses.CommitmentStore };
  const given = env['CIRO_SETTLER_KEY'];
  if (given !== undefined && given !== '') {
    if (!v.is(Felt, given)) throw new ChainSettingsError('no-key', 'CIRO_SETTLER_KEY is not a Stark private key in 0x hex', { fault: 'user' });
    return { ...contract, settler: { address: roles.settler, privateKey: given } };
  }
  const devnetKey = await keyOfDevnet(rpc, roles.settler);
  if (devnetKey === undefined) throw new ChainSettingsError('no-key', `${path} names settler ${roles.settler}, and CIRO_SETTLER_KEY does not give its key; the node at ${rpc} is no devnet that does, or does not answer`, { fault: 'user', fields: { settler: roles.settler } });
  return { ...contract, settler: { address: roles.settler, privateKey: devnetKey }, confirmations: DEVNET_CONFIRMATIONS };
}

async function keyOfDevnet(rpc: string, address: string): Promise<string | undefined> {
  try {
    const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_getPredeployedAccounts', params: {} }), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return v.parse(Predeployed, await response.json()).result.find((account) => BigInt(account.address) === BigInt(address))?.private_key;
  } catch {
    return undefined; // no devnet, or no node: the caller says so
  }
}
