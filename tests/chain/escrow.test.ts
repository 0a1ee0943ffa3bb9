import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { chainFileOf, writeChainFile } from '@ciro/contracts/chain/chain-file.ts';
import { advanceTime } from '@ciro/contracts/chain/devnet.ts';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { Evidence } from '@ciro/core/evidence/evidence.ts';
import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { chainModelOf, resultRootOf } from '@ciro/core/settlement/escrow.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { createCalls, refundCalls, topUpCalls, cancelCalls } from '@ciro/signaling/chain/job-manager.ts';
import { startRelayer } from '@ciro/signaling/chain/start-relayer.ts';
import { parseEscrowOptions } from '@ciro/signaling/cli/escrow-options.ts';
import { runEscrow } from '@ciro/signaling/cli/run-escrow.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import * as v from 'valibot';
import { escrowChainOf, reasonOf } from '../support/escrow-chain.ts';
import { chainForFile } from '../support/open-chain.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';
import { sponsoredWorker } from '../support/sponsored-worker.ts';
import { randomSource } from '../support/stage-ring.ts';
import type { Relayer } from '@ciro/signaling/chain/start-relayer.ts';

const CREDIT = 10n ** 18n;
/** Longer than the devnet's dispute window and refund grace, seconds. */
const WINDOW_S = 61;
/** Set CIRO_FUZZ_SEED to repeat a run. */
const SEED = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const OPERATIONS = 50;
/** What moves a job in each state on; one operation in three is another one, which it mostly refuses. */
const NEXT: Readonly<Record<string, readonly string[]>> = { open: ['start', 'start', 'top up', 'cancel'], running: ['submit', 'submit', 'top up', 'wait', 'refund'], submitted: ['settle', 'wait'] };
/** A job of each token goes all the way, whatever is drawn afterwards. */
const FIRST = ['create', 'start', 'submit', 'wait', 'settle'];
const ANY = ['create', 'top up', 'cancel', 'start', 'submit', 'settle', 'refund', 'wait'];
const REQUEST = { model: 'default', messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 12, seed: 1, temperature: 0 };
/** End of an answer in the tiny model's vocabulary. */
const END = 2;

const file = chainForFile();
let folder: string;
let ready = false;
let scripted: ScriptedCoordinator;
let relayer: Relayer;
let escrows: ReturnType<typeof escrowChainOf>;
let model: { id: string; file: string };
/** Those that are answered, and not settled before the coordinator ends. */
const underWay: string[] = [];

beforeAll(async () => {
  await file.open();
  folder = await mkdtemp(join(tmpdir(), 'ciro-escrow-'));
}, 600_000);
beforeEach(async (context) => {
  file.skipWithout(context);
  if (ready) return;
  ready = true;
  const { devnet, plan, keysOf } = file.local;
  escrows = escrowChainOf(file.local);
  const { token, jobManager, chainId } = escrows;
  relayer = await startRelayer({
    nodeUrl: devnet.rpc,
    chainId,
    listen: { port: 0 },
    policy: { version: 1, calls: [{ to: token, entrypoints: ['approve'] }, { to: jobManager, entrypoints: ['create_job', 'top_up', 'cancel_job', 'refund_expired'] }], accountClasses: [{ classHash: ACCOUNT_CLASS_HASH, constructor: 'public-key' }], strkPerDay: '20', newAccounts: { tickets: true, workBits: null } },
    backEnd: { kind: 'local', senders: [keysOf(plan.roles.relayer)], forwarder: plan.addresses.Paymaster },
  });
  await start();
  model = { id: scripted.model.id, file: scripted.model.manifest.file.sha256 };
  await escrows.give(escrows.client.address, 10_000n * CREDIT);
  await escrows.untilRegistered(chainModelOf(model).id);
});
afterAll(async () => {
  if (ready) await scripted.coordinator.close();
  if (ready) await relayer.close();
  await file.close();
  await rm(folder, { recursive: true, force: true });
  if (ready) console.info(`L2 gas: ${escrows.gas.join(', ')}`);
});

async function start(): Promise<void> {
  scripted = await ScriptedCoordinator.start({ folder, escrow: escrows.escrow, paymaster: relayer.plugin });
  scripted.runner.script = { ids: [...scripted.model.tokenizer.encode('hello the world'), END] };
}

/** Funds a job by the client. */
async function fund(budget: bigint, options: { seconds?: number; request?: Record<string, unknown> } = {}) {
  const job = await escrows.prepare(options.request ?? REQUEST, model, budget, options);
  await escrows.landed('create', await escrows.asClient.act('create', job.calls));
  return job;
}

const errorOf = async (response: Response): Promise<unknown> => ((await response.json()) as { error: unknown }).error;

it('N4, N5, N6, N8: a funded job is answered, submitted with its root and price, settled after the window, and the workers’ store has what was used', async () => {
  const budget = 100n * CREDIT;
  const [before, trial] = [await escrows.balanceOf(escrows.client.address), await scripted.balance()];
  const { id, body } = await fund(budget);
  const response = await scripted.ask(body);
  const job = response.headers.get('x-ciro-job') ?? '';
  expect([response.status, await response.json()]).toMatchObject([200, { choices: [{ message: { content: 'hello the world' } }] }]);
  await escrows.until(id, 'submitted');
  // Neither side ends it inside the window but the client; and nobody cancels what was started.
  await expect(escrows.asCoordinator.settleJob(id)).rejects.toMatchObject({ fields: { reason: 'CIRO-JM: dispute window open' } });
  expect(reasonOf(await escrows.asClient.act('cancel', cancelCalls(escrows.jobManager, id)).catch((error: unknown) => error))).toBe('CIRO-JM: bad state');
  await advanceTime(file.local.devnet.rpc, WINDOW_S);
  await escrows.until(id, 'settled');

  const { resultRoot, used } = await escrows.asClient.job(id, 'newest');
  const [order] = scripted.runner.orders;
  expect(used).toBe(price(LAUNCH_RATES, order?.promptIds.length ?? 0, scripted.runner.script.ids.length));
  expect(await escrows.balanceOf(escrows.store)).toBe(used);
  expect(await escrows.balanceOf(escrows.client.address)).toBe(before - used);
  expect(await scripted.balance()).toBe(trial);

  await expect.poll(async () => ((await (await scripted.fetch(`/v1/escrows/${id}`)).json()) as { state: string }).state).toBe('settled');
  const evidence = v.parse(Evidence, await (await scripted.fetch(`/v1/jobs/${job}/evidence`)).json());
  expect(evidence.escrow).toMatchObject({ job: id, job_manager: escrows.jobManager, state: 'settled', used: String(used), result_root: resultRoot });
  expect(resultRoot).toBe(resultRootOf(id, [{ job: evidence.job, planHash: evidence.plan.hash, roots: evidence.stages.map(({ root }) => root?.root ?? null) }]));
  for (const [step, transaction] of Object.entries(evidence.escrow?.transactions ?? {})) await escrows.landed(step, transaction);
  expect(Object.keys(evidence.escrow?.transactions ?? {}).sort()).toEqual(['settle', 'start', 'submit']);
  expect([(await scripted.ask(body)).status, await escrows.asClient.held(escrows.token)]).toEqual([409, 0n]);
});

it('N3: refuses what a job does not pay for, by name, and leaves it to its client', async () => {
  const { id, body } = await fund(CREDIT);
  const other = await scripted.ask({ ...body, messages: [{ role: 'user', content: 'Say something else' }] });
  expect([other.status, await errorOf(other)]).toMatchObject([403, { code: 'escrow_spec_mismatch', message: expect.stringContaining('hash 0x') }]);
  const small = await scripted.ask(body);
  expect([small.status, await errorOf(small)]).toMatchObject([402, { code: 'escrow_budget_too_small', type: 'insufficient_quota', message: expect.stringMatching(/holds 1000000000000000000 \(1\)/) }]);
  const none = await scripted.ask({ ...REQUEST, ciro: { escrow: '0x123', escrow_salt: '00'.repeat(32) } });
  expect([none.status, await errorOf(none)]).toMatchObject([404, { code: 'escrow_unknown' }]);
  const halves = await scripted.ask({ ...REQUEST, ciro: { escrow: id } });
  expect([halves.status, await errorOf(halves)]).toMatchObject([400, { code: 'missing_required_parameter', param: 'ciro.escrow_salt' }]);
  await escrows.landed('top up', await escrows.asClient.act('top up', topUpCalls(escrows.jobManager, id, escrows.token, CREDIT)));
  expect((await escrows.asClient.job(id, 'newest')).budget).toBe(2n * CREDIT);
  await escrows.landed('cancel', await escrows.asClient.act('cancel', cancelCalls(escrows.jobManager, id)));
  const gone = await scripted.ask(body);
  expect([gone.status, await errorOf(gone)]).toMatchObject([409, { code: 'escrow_not_open', message: expect.stringContaining('cancelled') }]);
});

it('Y, N3: a client without STRK funds a job through the paymaster, and is answered', async () => {
  const client = sponsoredWorker(file.local.chain.provider, relayer);
  await escrows.give(client.address, 50n * CREDIT);
  const { id, body, calls } = await escrows.prepare(REQUEST, model, 50n * CREDIT, { sender: client.address });
  const sent = await client.act(calls, true);
  expect(sent.succeeded).toBe(true);
  escrows.gas.push(`sponsored deploy, approve and create ${(sent.l2Gas / 1e6).toFixed(2)} M`);
  expect((await scripted.ask(body)).status).toBe(200);
  await escrows.until(id, 'submitted');
  underWay.push(id);
});

it('the command line funds a job, sponsored, has it answered, and cancels another one', async () => {
  const { devnet, plan } = file.local;
  const chainFile = join(folder, 'chain.json');
  await writeChainFile(chainFile, chainFileOf(plan, devnet.rpc));
  let said = '';
  const run = (...args: string[]): Promise<void> => {
    said = '';
    return runEscrow(parseEscrowOptions([...args, '--url', scripted.coordinator.url]), { chainFile: async () => chainFile, folder: join(folder, 'escrows'), env: { OPENAI_API_KEY: scripted.coordinator.trialKey }, write: (text) => (said += text), signal: AbortSignal.timeout(60_000) });
  };
  const created = async (...args: string[]): Promise<string> => {
    await run('create', '--prompt', 'Say hello', '--max-tokens', '12', ...args);
    return /ask (0x[0-9a-f]+)/.exec(said)?.[1] ?? said;
  };
  const id = await created('--sponsored');
  await run('top-up', id, '1.5', '--sponsored');
  await run('ask', id);
  expect(said).toContain('hello the world');
  await escrows.until(id, 'submitted');
  underWay.push(id);
  await run('status', id);
  expect(said).toMatch(/state +submitted\n[^]*used +1[0-9.]+\n/);
  await run('evidence', id);
  expect(said).toMatch(/verify -- answer .*evidence.json/);
  await expect(run('cancel', id)).rejects.toThrow(/CIRO-JM: bad state/);
  await expect(run('ask', id)).rejects.toThrow(/pays for job [0-9a-f]{32} here already/);
  const other = await created('--budget', '20');
  await run('cancel', other);
  expect(said).toMatch(/state +cancelled/);
  await expect(run('refund', other)).rejects.toThrow(/CIRO-JM: bad state/);
});

it('N7: with the coordinator gone its client has everything back after deadline and grace, from the node alone; nothing can be settled then', async () => {
  const before = await escrows.balanceOf(escrows.client.address);
  const { id, body } = await fund(30n * CREDIT, { seconds: 700 });
  const [began, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  scripted.runner.script = { ids: [END], gate: () => (began.resolve(), release.promise) };
  const asked = scripted.ask(body).catch(() => undefined);
  await began.promise;
  expect((await escrows.asClient.job(id, 'newest')).state).toBe('running');
  const closed = scripted.coordinator.close();
  release.resolve();
  await Promise.all([closed, asked]);
  const refund = () => escrows.asClient.act('refund', refundCalls(escrows.jobManager, id));
  await advanceTime(file.local.devnet.rpc, 700 - WINDOW_S);
  expect(reasonOf(await refund().catch((error: unknown) => error))).toBe('CIRO-JM: not expired');
  await advanceTime(file.local.devnet.rpc, 2 * WINDOW_S);
  await escrows.landed('refund', await refund());
  expect(await escrows.balanceOf(escrows.client.address)).toBe(before);
  await expect(escrows.asCoordinator.settleJob(id)).rejects.toMatchObject({ fields: { reason: 'CIRO-JM: bad state' } });
  await expect(escrows.asCoordinator.submitResult(id, '0x1', 1n)).rejects.toMatchObject({ fields: { reason: 'CIRO-JM: bad state' } });
  // The next start finds it refunded; what else was under way when this one ended it brings to its end.
  await start();
  await expect.poll(async () => ((await (await scripted.fetch(`/v1/escrows/${id}`)).json()) as { state: string }).state).toBe('refunded');
});

it('N2, N3: a model that was revoked is served no more, and its open jobs go back to their clients', async () => {
  const { id, body } = await fund(50n * CREDIT);
  await escrows.landed('revoke model', await escrows.asCoordinator.revokeModel(chainModelOf(model).id));
  const response = await scripted.ask(body);
  expect([response.status, await errorOf(response)]).toMatchObject([400, { code: 'escrow_model_revoked' }]);
  await escrows.landed('cancel', await escrows.asClient.act('cancel', cancelCalls(escrows.jobManager, id)));
});

it('N5: when all is over the ledger holds exactly what the contract paid to the store', async () => {
  await advanceTime(file.local.devnet.rpc, WINDOW_S);
  for (const id of underWay) await expect.poll(async () => ((await (await scripted.fetch(`/v1/escrows/${id}`)).json()) as { state: string }).state).toBe('settled');
  expect(await escrows.asClient.held(escrows.token)).toBe(0n);
  await scripted.coordinator.close();
  const store = await openStore({ dataDir: join(folder, 'data'), onError: (error) => expect.unreachable(error.message) });
  const balances = await store.ledger.allBalances();
  const entries = await store.ledger.entriesFrom(0, 1_000);
  await store.close();
  const escrowed = [...balances].filter(([account]) => account.startsWith('escrow:')).map(([, amount]) => amount);
  expect([escrowed.length, escrowed.every((amount) => amount === 0n)]).toEqual([4, true]);
  const issued = entries.filter(({ kind }) => kind === 'escrow' || kind === 'returned').flatMap(({ lines }) => lines).reduce((sum, { account, amount }) => (account === 'issued' ? sum - amount : sum), 0n);
  expect(issued).toBe(await escrows.balanceOf(escrows.store));
});

it(`J11: whatever is done in whatever order, each token is conserved (seed ${SEED})`, async () => {
  const STRK = file.local.plan.network.tokens.stake;
  const sinks = new Map([[escrows.token, felt(0x51)], [STRK, felt(0x52)]]);
  const { contract, address } = await escrows.withTwoTokens([...sinks]);
  await contract.registerModel({ id: '0x7', high: 1n, low: 1n, metaHash: '0x1' }).then((transaction) => escrows.landed('register', transaction));
  const random = randomSource(SEED);
  const client = escrows.client.address;
  const jobs: { readonly id: string; readonly token: string }[] = [];
  const totalOf = async (token: `0x${string}`): Promise<bigint> => (await Promise.all([client, address, sinks.get(token) ?? '0x0'].map((who) => escrows.balanceOf(who, token)))).reduce((sum, amount) => sum + amount, 0n);
  const ciro = await totalOf(escrows.token);
  const outcomes = new Map<string, number>();
  for (let n = 0; n < OPERATIONS; n++) {
    const scripted = n < 2 * FIRST.length ? FIRST[n % FIRST.length] : undefined;
    const token = [escrows.token, STRK][scripted === undefined ? random(2) : Math.floor(n / FIRST.length)] ?? STRK;
    const job = scripted === undefined ? jobs[random(jobs.length)] : jobs.at(-1);
    const amount = BigInt(1 + random(1_000));
    const now = await contract.time();
    const likely = job === undefined ? ['create'] : (NEXT[(await contract.job(job.id, 'newest')).state] ?? ['create']);
    const choice = job !== undefined && random(3) === 0 ? ANY : likely;
    const what = scripted ?? choice[random(choice.length)] ?? 'wait';
    const { id, token: of } = job ?? { id: '0x0', token };
    const nonce = felt(n + 1);
    const run = async (): Promise<string | undefined> => {
      switch (what) {
        case 'create':
          return contract.act(what, createCalls(address, { nonce, token, model: '0x7', specHash: '0x1', budget: amount, deadline: now + 30 + random(300) }));
        case 'top up':
          return contract.act(what, topUpCalls(address, id, of, amount));
        case 'cancel':
          return contract.act(what, cancelCalls(address, id));
        case 'start':
          return contract.startJob(id);
        case 'submit':
          return contract.submitResult(id, '0x9', scripted === undefined ? BigInt(random(1_500)) : 1n);
        case 'settle':
          return contract.settleJob(id);
        case 'refund':
          return contract.act(what, refundCalls(address, id));
        default:
          await advanceTime(file.local.devnet.rpc, scripted === undefined ? 20 + random(60) : WINDOW_S);
          return undefined;
      }
    };
    const sent = await run().catch((error: unknown) => reasonOf(error));
    const done = sent === undefined || sent.startsWith('0x');
    if (sent?.startsWith('0x') === true) await file.local.chain.receipt(felt(sent), what, performance.now());
    else if (!done) expect(sent).toMatch(/^CIRO-JM: /);
    if (what === 'create' && done) jobs.push({ id: await contract.jobIdOf(client, nonce), token });
    outcomes.set(`${what} ${done ? 'done' : 'refused'}`, (outcomes.get(`${what} ${done ? 'done' : 'refused'}`) ?? 0) + 1);
  }
  for (const token of sinks.keys()) {
    const states = await Promise.all(jobs.filter((job) => job.token === token).map(({ id }) => contract.job(id, 'newest')));
    const open = states.filter(({ state }) => state === 'open' || state === 'running' || state === 'submitted').reduce((sum, { budget }) => sum + budget, 0n);
    const paid = states.filter(({ state }) => state === 'settled').reduce((sum, { used }) => sum + used, 0n);
    expect([await contract.held(token), await escrows.balanceOf(address, token), await escrows.balanceOf(sinks.get(token) ?? '0x0', token)]).toEqual([open, open, paid]);
  }
  // STRK pays the client's fees, too; CIRO does nothing else.
  expect(await totalOf(escrows.token)).toBe(ciro);
  for (const what of FIRST) expect(outcomes.get(`${what} done`), what).toBeGreaterThan(1);
  console.info(`seed ${SEED}: ${[...outcomes].map(([what, times]) => `${times} ${what}`).join(', ')}`);
});
