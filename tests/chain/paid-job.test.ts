import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import { openChain } from '@ciro/signaling/cli/open-chain.ts';
import { payWorkers } from '@ciro/signaling/cli/pay-workers.ts';
import { AuditedNetwork } from '../support/audited-network.ts';
import { devnetHere } from '../support/devnet-binary.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import type { OpenedChain } from '@ciro/signaling/cli/open-chain.ts';

const here = await devnetHere();
/** Deploying takes some fifteen seconds on idle cores, and minutes on full ones. */
const CHAIN_TIMEOUT_MS = 300_000;
const STAGES = 3;

let folder: string;
let opened: OpenedChain;
let network: AuditedNetwork;
const lines: string[] = [];
const over = new AbortController();

beforeAll(async () => {
  if ('missing' in here) return;
  folder = await mkdtemp(join(tmpdir(), 'ciro-paid-'));
  const options = { path: join(folder, 'chain.json'), dataDir: folder, env: { ...process.env, CIRO_DEVNET_BIN: here.binary }, report: (line: string) => void lines.push(line), signal: over.signal };
  opened = await openChain(options);
  network = await AuditedNetwork.start({ options: { ...opened.environment, expectWorkers: STAGES + 1, logLevel: 'silent' } });
  for (let seed = 1; seed <= STAGES + 1; seed++) await network.join({ seed });
  await network.coordinator.whenReady(AbortSignal.timeout(CHAIN_TIMEOUT_MS));
}, CHAIN_TIMEOUT_MS);
beforeEach((context) => {
  if ('missing' in here) context.skip(here.missing);
});
afterAll(async () => {
  await network?.[Symbol.asyncDispose]();
  await opened?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Asks, and waits until every stage is decided. */
async function answer(): Promise<string> {
  const asking = await network.ask({ max_tokens: 30, stream: true });
  const { done } = await eventsOfStream(asking);
  expect(done).toBe(true);
  const job = asking.headers.get('x-ciro-job') ?? '';
  expect((await eventsOfStream(await network.fetch(`/v1/jobs/${job}/events`))).data.at(-1)).toEqual({ type: 'settled' });
  return job;
}

it('the workers of a first job are paid on a chain that this command started, and clients are told where it is', { timeout: CHAIN_TIMEOUT_MS }, async () => {
  expect(lines).toContainEqual(expect.stringMatching(/^workers are paid by contract 0x[0-9a-f]+ on a local chain of this command; a relayer pays their gas$/));
  // The coordinator serves while the contracts are being deployed.
  await answer();
  const { door } = opened;
  if (door === undefined) throw new Error('the chain has a door');
  const table = await payWorkers(network.coordinator, { ...opened, door }, over.signal);
  const rows = [...table.matchAll(/^([0-9a-f]{12}) +0x[0-9a-f]+…[0-9a-f]{4} +([\d.]+) CIRO +0x[0-9a-f]+…[0-9a-f]{4} +([\d.]+) CIRO +0$/gm)];
  expect(rows.length, table).toBeGreaterThanOrEqual(STAGES);
  for (const [, worker, earned, balance] of rows) expect(Number(earned) > 0 && Number(balance) >= Number(earned), worker).toBe(true);
  expect(table).toMatch(/^transaction 0x[0-9a-f]{50,64}$/m);
  expect(await (await network.fetch('/v1/chain')).json()).toMatchObject(door);
  const asked = await network.fetch('/paymaster', { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'paymaster_isAvailable', params: {} }) });
  expect(await asked.json()).toMatchObject({ result: true });
});

it('when the chain is gone answers go on, credits stand in the ledger, and one sentence says that nobody was paid', { timeout: CHAIN_TIMEOUT_MS }, async () => {
  const { door } = opened;
  if (door === undefined) throw new Error('the chain has a door');
  await opened[Symbol.asyncDispose]();
  const job = await answer();
  const evidence = v.parse(v.object({ ledger: v.object({ credits: v.array(v.object({ status: v.string() })) }) }), await (await network.fetch(`/v1/jobs/${job}/evidence`)).json());
  expect(evidence.ledger.credits.map(({ status }) => status)).toEqual(['payable', 'payable', 'payable']);
  expect(await payWorkers(network.coordinator, { ...opened, door }, over.signal)).toBe('workers were not paid on the chain yet (The local chain failed: its process ended); their credits stand in the ledger, and settlement goes on');
});
