/** A local node in a process of its own. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { ChainError } from './chain-error.ts';
import { felt } from './felts.ts';
import type { ChildProcess } from 'node:child_process';
import type { Keys } from './account.ts';

/** Half a minute on a machine that others use; 0.8 s on an idle one. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Then it is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** What it printed last says why it ended. */
const MOST_OUTPUT = 4_000;

/** What a devnet is started with; part of the network's file. */
export const DevnetOptions = v.strictObject({
  seed: v.pipe(v.number(), v.safeInteger()),
  accounts: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Prices in fri (10^-18 STRK) as a network has them. */
  l2GasPriceFri: v.string(),
  l1DataGasPriceFri: v.string(),
  l1GasPriceFri: v.string(),
});
export type DevnetOptions = v.InferOutput<typeof DevnetOptions>;

export interface Devnet extends AsyncDisposable {
  readonly rpc: string;
  /** Accounts that it holds money in, by its seed. */
  readonly accounts: readonly Keys[];
  /** Resolves when its process ends, with what it said last. */
  readonly ended: Promise<string>;
}

const Accounts = v.object({ result: v.array(v.object({ address: v.string(), private_key: v.string() })) });

/**
 * Starts a node at `port` (0: a free one) and waits until it answers.
 * @throws ChainError `devnet-failed` with what it printed
 */
export async function startDevnet(binary: string, options: DevnetOptions, port = 0, signal?: AbortSignal): Promise<Devnet> {
  const args = ['--seed', String(options.seed), '--accounts', String(options.accounts), '--port', String(port), '--l2-gas-price-fri', options.l2GasPriceFri, '--data-gas-price-fri', options.l1DataGasPriceFri, '--gas-price-fri', options.l1GasPriceFri];
  // It reads PORT, SEED and others from the environment, where they mean other things.
  const child = spawn(binary, args, { env: { PATH: process.env['PATH'], RUST_LOG: 'error,starknet_devnet=info' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (text: string): void => void (output = (output + text).slice(-MOST_OUTPUT));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killed) => resolve(`${output.trim()}\n(${killed === null ? `exit code ${code}` : killed})`));
  });
  let over: string | undefined;
  void ended.then((said) => (over = said));
  try {
    const until = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      signal?.throwIfAborted();
      if (over !== undefined) throw failed(binary, `ended at its start${port === 0 ? '' : ` at port ${port}`}: ${over}`);
      // With port 0 it says which one it took.
      const taken = /listening on (?:http:\/\/)?127\.0\.0\.1:(\d+)/i.exec(output)?.[1];
      if (taken !== undefined && (await isAlive(taken))) {
        const rpc = `http://127.0.0.1:${taken}/rpc`;
        return { rpc, accounts: await predeployed(rpc), ended, [Symbol.asyncDispose]: () => stop(child) };
      }
      if (performance.now() > until) throw failed(binary, `does not answer after ${START_TIMEOUT_MS / 1000} s: ${output.trim()}`);
      await sleep(POLL_MS);
    }
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function isAlive(port: string): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/is_alive`, { signal: AbortSignal.timeout(START_TIMEOUT_MS) })).ok;
  } catch {
    return false; // not listening yet
  }
}

async function predeployed(rpc: string): Promise<Keys[]> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_getPredeployedAccounts', params: {} });
  const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result } = v.parse(Accounts, await response.json());
  return result.map(({ address, private_key }) => ({ address: felt(address), privateKey: felt(private_key) }));
}

/** Moves the node's clock: later blocks are `seconds` later. Only a devnet has this. */
export const advanceTime = (rpc: string, seconds: number): Promise<void> => tell(rpc, 'devnet_increaseTime', { time: seconds }, 'did not move its clock');

/** Makes a block of this time, in Unix seconds; the next transaction sees the same, and the clock goes on from there. Only a devnet has this. */
export const setTime = (rpc: string, time: number): Promise<void> => tell(rpc, 'devnet_setTime', { time, generate_block: true }, 'did not set its clock');

/** An empty block, whose time contracts see from then on. Only a devnet has this. */
export const createBlock = (rpc: string): Promise<void> => tell(rpc, 'devnet_createBlock', {}, 'made no block');

/** The devnet as it was when it was started. */
export const restart = (rpc: string): Promise<void> => tell(rpc, 'devnet_restart', {}, 'did not begin anew');

async function tell(rpc: string, method: string, params: object, refused: string): Promise<void> {
  const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('result' in answer)) throw new ChainError('devnet-failed', `The devnet ${refused}: ${JSON.stringify(answer)}`, { fault: 'platform' });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
}

const failed = (binary: string, what: string): ChainError => new ChainError('devnet-failed', `${binary} ${what}`, { fault: 'platform', fields: { binary } });
