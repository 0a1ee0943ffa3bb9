import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { ChainError } from './chain-error.ts';
import { felt } from './felts.ts';
import { CONTRACTS } from './plan.ts';
import type { Felt } from './felts.ts';
import type { ContractName, Plan } from './plan.ts';

const FeltText = v.pipe(v.string(), v.regex(/^0x[0-9a-f]+$/), v.transform((value): Felt => felt(value)));
const ByContract = v.strictObject(Object.fromEntries(CONTRACTS.map((name) => [name, FeltText])) as Record<ContractName, typeof FeltText>);

/** `.ciro/chain.json`: what everybody who talks to the chain needs to know, and no secret. */
export const ChainFile = v.strictObject({
  network: v.string(),
  rpc: v.pipe(v.string(), v.url()),
  chainId: v.string(),
  addresses: ByContract,
  classHashes: ByContract,
  tokens: v.strictObject({ stake: FeltText }),
  roles: v.strictObject({ relayer: FeltText, settler: FeltText, coordinator: FeltText }),
});
export type ChainFile = v.InferOutput<typeof ChainFile>;

export function chainFileOf(plan: Plan, rpc: string): ChainFile {
  const { network, addresses, classes, roles } = plan;
  const classHashes = Object.fromEntries(classes.map(({ name, classHash }) => [name, classHash])) as Record<ContractName, Felt>;
  return { network: network.name, rpc, chainId: network.chainId, addresses, classHashes, tokens: network.tokens, roles: { relayer: roles.relayer, settler: roles.settler, coordinator: roles.coordinator } };
}

/** Writes the file whole or not at all. */
export async function writeChainFile(path: string, content: ChainFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.draft`, `${JSON.stringify(content, undefined, 2)}\n`);
  await rename(`${path}.draft`, path);
}

/** @throws ChainError `bad-network` when there is none, or it is none */
export async function readChainFile(path: string): Promise<ChainFile> {
  try {
    return v.parse(ChainFile, JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new ChainError('bad-network', `${path} does not tell which contracts to use (${cause instanceof Error ? cause.message : String(cause)}). \`npm run chain\` writes it.`, { fault: 'user', fields: { path }, cause });
  }
}
