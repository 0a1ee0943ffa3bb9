import { callerOf } from '../accounts/caller.fixture.ts';
import { expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { resultRootOf, specHashOf } from '@ciro/core/settlement/escrow.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { ScriptedRunner } from '../../../tests/support/scripted-runner.ts';
import { parseChatRequest } from '../intake/chat-request.ts';
import { Intake } from '../intake/intake.ts';
import { JobFeeds } from '../intake/job-feed.ts';
import { POOL_CREDITS } from '../ledger/ledger.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { answerJobs, rootsOf } from './answer-jobs.ts';
import { escrowSpecOf } from './escrow-spec-of.ts';
import { ESCROW, EscrowedNetwork, FILE, FUNDS, MODEL, SALT } from './escrowed-network.fixture.ts';
import type { Answer } from '../intake/answer.ts';
import type { AuditOutcome, ChatModel, JobToAudit } from '../intake/ports.ts';
import type { Script } from '../../../tests/support/scripted-runner.ts';

const PROMPT = 18;
const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Id n is the letter n of the alphabet. */
const textOf = (ids: readonly number[]): string => String.fromCodePoint(...ids.map((id) => 97 + id));
const CHAT_MODEL = {
  id: MODEL,
  manifest: { name: 'm', stopIds: [], architecture: { context: 512 }, file: { sha256: FILE } },
  tokenizer: { encodePrompt: () => Array.from({ length: PROMPT }, () => 3), detokenizer: () => ({ push: (id: number) => textOf([id]), finish: () => '' }) },
  template: { render: () => '' },
} as unknown as ChatModel;
const LOST = new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform' });
const POOL = POOL_CREDITS * BASE_UNITS_PER_CREDIT;
const BUDGET = 20n * BASE_UNITS_PER_CREDIT;
const never = new AbortController().signal;
/** Of an answer with all of its ids. */
const WHOLE = price(LAUNCH_RATES, PROMPT, IDS.length);

function bodyOf(ciro: object = {}) {
  return { model: 'm', messages: [{ role: 'user', content: 'Why?' }], max_tokens: IDS.length, temperature: 0, seed: 1, ciro: { ...ciro, escrow: ESCROW, escrow_salt: SALT } };
}

const requestOf = (ciro?: object) => parseChatRequest(bodyOf(ciro));

async function setup(ciro: object = {}) {
  const network = new EscrowedNetwork();
  await network.ledger.start();
  network.fund({ budget: BUDGET, specHash: specHashOf(escrowSpecOf(requestOf(ciro), MODEL), SALT) });
  return network;
}

/** An intake over the network's stores; `scripts` for its jobs in turn, `wrong` says of which a stage is convicted. */
function intakeOf(network: EscrowedNetwork, scripts: (asked: number) => Script, wrong: (asked: number) => boolean = () => false): { readonly intake: Intake; readonly runner: ScriptedRunner } {
  const { ledger, archive, kept, desk } = network;
  const runner = new ScriptedRunner();
  runner.scriptFor = () => scripts(runner.orders.length);
  let audited = 0;
  const consider = async ({ record }: JobToAudit): Promise<AuditOutcome> => {
    const { job } = record.signed.plan;
    const money = network.money();
    const bad = wrong(++audited);
    for (const [stage, { worker }] of record.stages.entries()) {
      if (stage === 1 && bad) await money.failed(job, [worker]);
      else await money.payable(job, worker, 0n);
    }
    return { stages: record.stages.map((_, stage) => ({ status: stage === 1 && bad ? ('failed' as const) : ('passed' as const), firstBadPosition: stage === 1 && bad ? 0 : null })) };
  };
  const intake = new Intake({ models: { get: () => CHAT_MODEL, list: () => [CHAT_MODEL] }, ledger, archive, runner, notices: { credited: () => undefined }, feeds: new JobFeeds(), audits: { consider, requesterNonce: () => true }, kept, escrows: desk, onError: (error) => network.errors.push(error) }, { now: () => network.clock.now() });
  return { intake, runner };
}

async function read(answer: Answer): Promise<string> {
  let text = '';
  for await (const event of answer.read(never)) if (event.type === 'text') text += event.text;
  return text;
}

/** Looks until the answer is over and all is settled; gives what the contract has. An intake that closes leaves what is not over to the next one. */
async function settled(network: EscrowedNetwork, intake: Intake) {
  await expect.poll(async () => (await network.desk.step(), (await network.chain.job(ESCROW, 'newest')).state)).toBe('submitted');
  await intake.close();
  network.pass(61);
  await network.run(5);
  await verifyChain(network.ledgerStore);
  expect(network.errors).toEqual([]);
  const job = await network.chain.job(ESCROW, 'newest');
  expect(await network.sums()).toMatchObject({ client: FUNDS - job.used, sink: job.used, held: 0n, left: 0n, pending: 0n, issued: -POOL - job.used });
  return job;
}

it('G2, M9, N6: an answer that moved is paid once, and its result is over the roots of both jobs', async () => {
  const network = await setup();
  const { intake, runner } = intakeOf(network, (asked) => (asked === 1 ? { ids: IDS, moveAfter: { tokens: 4, lost: LOST } } : { ids: IDS.slice(4) }));
  const answer = await intake.ask(requestOf(), callerOf('ada'));
  expect(await read(answer)).toBe(textOf(IDS));
  await expect.poll(async () => (await answerJobs(network.archive, answer.job)).filter(({ decided }) => decided).length).toBe(2);
  const { used, resultRoot, state } = await settled(network, intake);
  expect([state, used, runner.orders.map(({ escrow }) => escrow)]).toEqual(['settled', WHOLE, [ESCROW, ESCROW]]);
  expect(resultRoot).toBe(resultRootOf(ESCROW, (await answerJobs(network.archive, answer.job)).map(rootsOf)));
  expect((await network.sums()).payable).toBeLessThanOrEqual(used);
});

it('M7, N6: an answer that failed its audit is done again, and only the one that stands is paid by the contract', async () => {
  const network = await setup();
  const { intake } = intakeOf(network, () => ({ ids: IDS }), (audited) => audited === 1);
  const answer = await intake.ask(requestOf(), callerOf('ada'));
  await read(answer);
  await expect.poll(async () => (await answerJobs(network.archive, answer.job)).filter(({ decided }) => decided).length).toBe(2);
  const { used } = await settled(network, intake);
  expect(used).toBe(WHOLE);
  // Honest stages of the first one keep theirs, from the pool (M7).
  const { payable, pool, fee } = await network.sums();
  expect(payable + pool + fee).toBe(POOL + WHOLE);
});

it('N6: a job that nobody could do costs nothing, and one that its client called off costs what was given', async () => {
  const nobody = await setup();
  const failing = intakeOf(nobody, () => ({ ids: [], failAfter: { tokens: 0, error: new SchedulerError('no-workers', 'nobody is here', { fault: 'platform' }) } }));
  await expect(failing.intake.ask(requestOf(), callerOf('ada')).then(read)).rejects.toMatchObject({ code: 'no-workers' });
  expect((await settled(nobody, failing.intake)).used).toBe(0n);

  const called = await setup();
  const ending = intakeOf(called, () => ({ ids: IDS, gate: (step) => (step === 3 ? answered.then((answer) => answer.cancel()) : undefined) }));
  const answered = ending.intake.ask(requestOf(), callerOf('ada'));
  await expect(answered.then(read)).rejects.toMatchObject({ code: 'cancelled' });
  const answer = await answered;
  await expect.poll(async () => (await answerJobs(called.archive, answer.job)).some(({ decided }) => decided)).toBe(true);
  expect((await settled(called, ending.intake)).used).toBe(price(LAUNCH_RATES, PROMPT, 3));
});

it('G8, N4: an answer that is to keep going is gone on with by the next coordinator, on the same budget', async () => {
  const network = await setup({ keep_going: true });
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const first = intakeOf(network, () => ({ ids: IDS, gate: (step) => (step === 5 ? (reached.resolve(), release.promise) : undefined) }));
  const answer = await first.intake.ask(requestOf({ keep_going: true }), callerOf('ada'));
  await reached.promise;
  const closing = first.intake.close();
  release.resolve();
  await closing;
  await network.run(3);
  expect((await network.chain.job(ESCROW, 'newest')).state).toBe('running');

  const { goingOn } = await network.restart();
  const next = intakeOf(network, () => ({ ids: IDS }));
  for (const restart of goingOn) await next.intake.goOn(restart);
  await network.run(1);
  const again = next.intake.answer(answer.job, 'ada');
  expect(again === undefined ? undefined : await read(again)).toBe(textOf(IDS));
  await expect.poll(async () => (await answerJobs(network.archive, answer.job)).some(({ decided }) => decided)).toBe(true);
  expect((await settled(network, next.intake)).used).toBe(WHOLE);
});
