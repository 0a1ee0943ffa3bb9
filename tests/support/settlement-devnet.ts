/** A devnet of our own with the token and the settlement contract on it, as the compiled contracts have them. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { advanceTime } from '@ciro/contracts/chain/devnet.ts';
import { u256 } from '@ciro/contracts/chain/felts.ts';
import { Account, RpcProvider } from 'starknet';
import * as v from 'valibot';
import { devnetHere, startBareDevnet } from './devnet-binary.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Devnet } from '@ciro/contracts/chain/devnet.ts';
import type { CompiledSierra } from 'starknet';

const ARTEFACTS = process.env['CIRO_ARTEFACTS'] ?? fileURLToPath(new URL('../../contracts/artefacts', import.meta.url));
const CONTRACTS = ['CiroToken', 'CommitmentStore'] as const;
const artefact = (name: string): string => `${ARTEFACTS}/${name}.contract_class.json`;
const POLL_MS = 50;
/** Seconds; the chain's clock is moved over it. */
const CHALLENGE_WINDOW = 60;
/** Seconds. */
const MAX_HOLD = 3_600;
const SUPPLY = 10n ** 27n;

/** What is needed for a chain, or the first thing that is missing, for a person. */
export type FoundChain = { readonly binary: string } | { readonly missing: string };

export async function findSettlementChain(): Promise<FoundChain> {
  const lacking = CONTRACTS.find((name) => !existsSync(artefact(name)));
  return lacking === undefined ? devnetHere() : { missing: `${lacking} is not compiled (contracts/artefacts)` };
}

export interface SettlementDevnet extends AsyncDisposable {
  readonly rpc: string;
  readonly chainId: string;
  readonly store: string;
  readonly token: string;
  readonly settler: Keys;
  /** Owner and settler, court, and others without a role. */
  readonly accounts: readonly Keys[];
  /** Sends tokens to the settlement contract. */
  fund(amount: bigint): Promise<void>;
  /** Owner and guardian of the settlement contract vetoes an epoch. */
  veto(epoch: number): Promise<void>;
  tokensOf(account: string): Promise<bigint>;
  paidOf(account: string): Promise<bigint>;
  /** Moves the chain's clock and makes a block. */
  passTime(seconds: number): Promise<void>;
  /** L2 gas that a transaction took. */
  gasOf(transaction: string): Promise<number>;
}

export async function openSettlementDevnet(binary: string): Promise<SettlementDevnet> {
  const devnet = await startBareDevnet(binary);
  try {
    return await deploy(devnet);
  } catch (error) {
    await devnet[Symbol.asyncDispose]();
    throw error;
  }
}

async function deploy(devnet: Devnet): Promise<SettlementDevnet> {
  const { rpc, accounts: [owner, court] } = devnet;
  if (owner === undefined || court === undefined) throw new TypeError('the devnet has no accounts');
  const provider = new RpcProvider({ nodeUrl: rpc });
  const accountOf = ({ address, privateKey }: { address: string; privateKey: string }): Account => new Account({ provider, address, signer: privateKey });
  const account = accountOf(owner);
  const send = async (from: Account, contract: string, entrypoint: string, calldata: string[]): Promise<void> => {
    const { transaction_hash: hash } = await from.execute([{ contractAddress: contract, entrypoint, calldata }], { tip: 0 });
    await provider.waitForTransaction(hash, { retryInterval: POLL_MS });
  };
  const token = await deployContract(account, 'CiroToken', [owner.address, ...u256(SUPPLY), owner.address, ...u256(SUPPLY)]);
  const store = await deployContract(account, 'CommitmentStore', [owner.address, owner.address, court.address, token, owner.address, '1', String(CHALLENGE_WINDOW), String(MAX_HOLD)]);
  const view = async (contract: string, entrypoint: string, calldata: string[]): Promise<bigint> => BigInt((await provider.callContract({ contractAddress: contract, entrypoint, calldata }))[0] ?? 0);
  return {
    rpc,
    chainId: await provider.getChainId(),
    store,
    token,
    settler: owner,
    accounts: devnet.accounts,
    fund: (amount) => send(account, token, 'transfer', [store, ...u256(amount)]),
    veto: (epoch) => send(accountOf(court), store, 'veto_epoch', [String(epoch)]),
    tokensOf: (holder) => view(token, 'balance_of', [holder]),
    paidOf: (holder) => view(store, 'paid_of', [holder]),
    passTime: (seconds) => advanceTime(rpc, seconds),
    gasOf: async (transaction) => {
      const { value } = await provider.getTransactionReceipt(transaction);
      return Number(v.parse(v.looseObject({ execution_resources: v.looseObject({ l2_gas: v.union([v.number(), v.string(), v.bigint()]) }) }), value).execution_resources.l2_gas);
    },
    [Symbol.asyncDispose]: () => devnet[Symbol.asyncDispose](),
  };
}

/** Declares and deploys; the node itself says what compiled class it makes of the class. */
async function deployContract(account: Account, name: string, constructorCalldata: string[]): Promise<string> {
  const contract = JSON.parse(await readFile(artefact(name), 'utf8')) as CompiledSierra;
  const compiledClassHash = await account.declare({ contract, compiledClassHash: '0x1' }, { tip: 0 }).then(
    () => '0x1',
    (error: unknown) => /Expected: (0x[0-9a-f]+)/.exec(String(error))?.[1] ?? '0x1',
  );
  const { deploy: deployed } = await account.declareAndDeploy({ contract, compiledClassHash, constructorCalldata }, { tip: 0 });
  return deployed.contract_address;
}
