/** A devnet of our own with the token and the settlement contract on it, as the compiled contracts have them. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Account, RpcProvider } from 'starknet';
import * as v from 'valibot';
import type { AddressInfo } from 'node:net';
import type { CompiledSierra } from 'starknet';

const ARTEFACTS = process.env['CIRO_ARTEFACTS'] ?? fileURLToPath(new URL('../../contracts/artefacts', import.meta.url));
const CONTRACTS = ['CiroToken', 'CommitmentStore'] as const;
const artefact = (name: string): string => `${ARTEFACTS}/${name}.contract_class.json`;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Seconds; the chain's clock is moved over it. */
const CHALLENGE_WINDOW = 60;
/** Seconds. */
const MAX_HOLD = 3_600;
const SUPPLY = 10n ** 27n;

const Predeployed = v.looseObject({ result: v.array(v.looseObject({ address: v.string(), private_key: v.string() })) });

/** What is needed for a chain, or the first thing that is missing, for a person. */
export type FoundChain = { readonly binary: string } | { readonly missing: string };

export async function findSettlementChain(): Promise<FoundChain> {
  const binary = process.env['CIRO_DEVNET_BIN'];
  if (binary === undefined || !existsSync(binary)) return { missing: 'no devnet (CIRO_DEVNET_BIN names none)' };
  const lacking = CONTRACTS.find((name) => !existsSync(artefact(name)));
  return lacking === undefined ? { binary } : { missing: `${lacking} is not compiled (contracts/artefacts)` };
}

export interface SettlementDevnet extends AsyncDisposable {
  readonly rpc: string;
  readonly chainId: string;
  readonly store: string;
  readonly token: string;
  readonly settler: { readonly address: string; readonly privateKey: string };
  /** Sends tokens to the settlement contract. */
  fund(amount: bigint): Promise<void>;
  /** Owner and guardian of the settlement contract vetoes an epoch. */
  veto(epoch: number): Promise<void>;
  tokensOf(account: string): Promise<bigint>;
  paidOf(account: string): Promise<bigint>;
  /** Moves the chain's clock and makes a block. */
  passTime(seconds: number): Promise<void>;
  /** Takes back the newest blocks from `hash` on. */
  abortBlocks(hash: string): Promise<void>;
  /** L2 gas that a transaction took. */
  gasOf(transaction: string): Promise<number>;
}

export async function openSettlementDevnet(binary: string): Promise<SettlementDevnet> {
  const port = await freePort();
  const child = spawn(binary, ['--seed', '0', '--accounts', '4', '--port', String(port), '--state-archive-capacity', 'full'], { env: { PATH: process.env['PATH'] }, stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill();
    await gone;
  };
  try {
    const rpc = `http://127.0.0.1:${port}/rpc`;
    await untilAlive(port, () => child.exitCode !== null);
    return await deploy(rpc, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function deploy(rpc: string, stop: () => Promise<void>): Promise<SettlementDevnet> {
  const ask = async (method: string, params: object): Promise<unknown> => (await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })).json();
  const [owner, court] = v.parse(Predeployed, await ask('devnet_getPredeployedAccounts', {})).result.map((account) => ({ address: account.address, privateKey: account.private_key }));
  if (owner === undefined || court === undefined) throw new TypeError('the devnet has no accounts');
  const provider = new RpcProvider({ nodeUrl: rpc });
  const accountOf = ({ address, privateKey }: { address: string; privateKey: string }): Account => new Account({ provider, address, signer: privateKey });
  const account = accountOf(owner);
  const send = async (from: Account, contract: string, entrypoint: string, calldata: string[]): Promise<void> => {
    const { transaction_hash: hash } = await from.execute([{ contractAddress: contract, entrypoint, calldata }], { tip: 0 });
    await provider.waitForTransaction(hash, { retryInterval: POLL_MS });
  };
  const token = await deployContract(account, 'CiroToken', [owner.address, ...u256(SUPPLY), owner.address, ...u256(SUPPLY)]);
  const store = await deployContract(account, 'CommitmentStore', [owner.address, owner.address, court.address, token, owner.address, String(CHALLENGE_WINDOW), String(MAX_HOLD)]);
  const view = async (contract: string, entrypoint: string, calldata: string[]): Promise<bigint> => BigInt((await provider.callContract({ contractAddress: contract, entrypoint, calldata }))[0] ?? 0);
  return {
    rpc,
    chainId: await provider.getChainId(),
    store,
    token,
    settler: owner,
    fund: (amount) => send(account, token, 'transfer', [store, ...u256(amount)]),
    veto: (epoch) => send(accountOf(court), store, 'veto_epoch', [String(epoch)]),
    tokensOf: (holder) => view(token, 'balance_of', [holder]),
    paidOf: (holder) => view(store, 'paid_of', [holder]),
    passTime: async (seconds) => void (await ask('devnet_increaseTime', { time: seconds })),
    abortBlocks: async (hash) => void (await ask('devnet_abortBlocks', { starting_block_id: { block_hash: hash } })),
    gasOf: async (transaction) => {
      const { value } = await provider.getTransactionReceipt(transaction);
      return Number(v.parse(v.looseObject({ execution_resources: v.looseObject({ l2_gas: v.union([v.number(), v.string(), v.bigint()]) }) }), value).execution_resources.l2_gas);
    },
    [Symbol.asyncDispose]: stop,
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

const u256 = (amount: bigint): string[] => [String(amount % 2n ** 128n), String(amount >> 128n)];

async function untilAlive(port: number, isDead: () => boolean): Promise<void> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const alive = await fetch(`http://127.0.0.1:${port}/is_alive`).then(({ ok }) => ok, () => false);
    if (alive) return;
    if (isDead() || performance.now() > until) throw new Error(`the devnet at port ${port} did not start`);
    await sleep(POLL_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
