import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Account, hash, legacyDeployer, num } from 'starknet';
import type { CompiledSierra, RpcProvider } from 'starknet';

const ARTEFACT = join(import.meta.dirname, '../../contracts/artefacts/Paymaster.contract_class.json');
/** Calls of an action, actions of an account and of all in a day: more than the tests ask for. */
const QUOTA = [4, 100, 10_000];
const LOOK = { retryInterval: 20 };

/** The compiled Paymaster; undefined where the contracts are not compiled. */
export async function paymasterClass(): Promise<CompiledSierra | undefined> {
  const text = await readFile(ARTEFACT, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as CompiledSierra);
}

/** Deploys a Paymaster that the first account owns and the first `senders` accounts may use for `allowed` calls. Gives its address. */
export async function deployPaymaster(
  contract: CompiledSierra,
  { provider, accounts, senders, allowed }: { readonly provider: RpcProvider; readonly accounts: readonly { readonly address: string; readonly privateKey: string }[]; readonly senders: number; readonly allowed: readonly (readonly [to: string, entrypoint: string])[] },
): Promise<`0x${string}`> {
  const [first, ...others] = accounts.slice(0, senders);
  if (first === undefined) throw new Error('the devnet has no account');
  const owner = new Account({ provider, address: first.address, signer: first.privateKey, deployer: legacyDeployer });
  const { class_hash, transaction_hash: declared } = await owner.declareIfNot({ contract, compiledClassHash: await compiledHash(owner, contract) }, { tip: 0 });
  if (declared !== '') await provider.waitForTransaction(declared, LOOK);
  const deployed = await owner.deployContract({ classHash: class_hash, constructorCalldata: [first.address, first.address, ...QUOTA] }, { tip: 0 });
  await provider.waitForTransaction(deployed.transaction_hash, LOOK);
  const address = num.toHex(deployed.contract_address) as `0x${string}`;
  const { transaction_hash } = await owner.execute(
    [
      ...allowed.map(([to, entrypoint]) => ({ contractAddress: address, entrypoint: 'set_allowed', calldata: [to, hash.getSelectorFromName(entrypoint), '0x1'] })),
      ...others.map((sender) => ({ contractAddress: address, entrypoint: 'grant_role', calldata: [hash.getSelectorFromName('RELAYER'), sender.address] })),
    ],
    { tip: 0 },
  );
  await provider.waitForTransaction(transaction_hash, LOOK);
  return address;
}

/** The node says which compiled class hash it wants when it is shown a wrong one. */
async function compiledHash(owner: Account, contract: CompiledSierra): Promise<string> {
  const said = await owner.declare({ contract, compiledClassHash: '0x1' }, { tip: 0 }).then(() => 'nothing', String);
  const [, expected] = /Expected: (0x[0-9a-f]+)/.exec(said) ?? [];
  if (expected === undefined) throw new Error(`the node does not say which compiled class hash it expects: ${said.slice(-300)}`);
  return num.toHex(expected);
}
