import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as v from 'valibot';

/** Half a minute on cores that others use; 0.8 s on idle ones. */
const START_TIMEOUT_MS = 60_000;
/** Prices of mainnet in fri a unit: L2 gas, L1 data gas, L1 gas. */
const PRICES = ['--l2-gas-price-fri', '3000000000', '--data-gas-price-fri', '35000', '--gas-price-fri', '45000000000000'];
const Accounts = v.object({ result: v.array(v.object({ address: v.string(), private_key: v.string() })) });

/** The node that `CIRO_DEVNET_BIN` names; undefined when it names none. */
export const devnetBinary = (): string | undefined => process.env['CIRO_DEVNET_BIN'] || undefined;

/** What to say where tests are left out for want of a node. */
export const WITHOUT_DEVNET = 'SKIPPED: no devnet. Run CIRO_DEVNET_BIN=/path/to/starknet-devnet npx vitest run --project chain (starknet-devnet 0.8.2: cargo install starknet-devnet --version 0.8.2 --locked)';

export interface DevnetProcess extends AsyncDisposable {
  readonly rpc: string;
  /** Accounts with STRK, the same at every start. */
  readonly accounts: readonly { readonly address: `0x${string}`; readonly privateKey: string }[];
}

/** Starts a node of its own on a free port, and ends it by its process. */
export async function startDevnetProcess(binary: string): Promise<DevnetProcess> {
  const child = spawn(binary, ['--seed', '0', '--accounts', '4', '--port', '0', ...PRICES], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  let output = '';
  const port = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${binary} does not listen after ${START_TIMEOUT_MS} ms: ${output.slice(-500)}`)), START_TIMEOUT_MS);
    const hear = (text: string): void => {
      output += text;
      const [, taken] = /listening on (?:http:\/\/)?127\.0\.0\.1:(\d+)/i.exec(output) ?? [];
      if (taken === undefined) return;
      clearTimeout(timer);
      resolve(taken);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('close', () => reject(new Error(`${binary} ended at its start: ${output.slice(-500)}`)));
    child.once('error', reject);
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const rpc = `http://127.0.0.1:${port}/rpc`;
  const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_getPredeployedAccounts', params: {} }) });
  const accounts = v.parse(Accounts, await response.json()).result.map(({ address, private_key }) => ({ address: `0x${BigInt(address).toString(16)}` as const, privateKey: private_key }));
  return { rpc, accounts, [Symbol.asyncDispose]: stop };
}
