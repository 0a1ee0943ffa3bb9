import { callerOf } from '../accounts/caller.fixture.ts';
import { expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { ScriptedRunner } from '../../../tests/support/scripted-runner.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { MAX_PLAN_VERSIONS } from '../scheduler/scheduler-limits.ts';
import { newStanding } from '../standing/standing-store.ts';
import { parseChatRequest } from './chat-request.ts';
import { Intake } from './intake.ts';
import { JobFeeds } from './job-feed.ts';
import { MemoryKeptAnswers } from './memory-kept-answers.fixture.ts';
import { NoticedMoney } from './noticed-money.ts';
import { recoverJobs } from './recover-jobs.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { AuditStore, Standing, Standings } from '../audit/ports.ts';
import type { Script } from '../../../tests/support/scripted-runner.ts';
import type { Answer } from './answer.ts';
import type { ChatModel, JobToAudit } from './ports.ts';
import type { Recovery } from './recover-jobs.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const PROMPT = 18;
const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Id n is the letter n of the alphabet. */
const textOf = (ids: readonly number[]): string => String.fromCodePoint(...ids.map((id) => 97 + id));
const MODEL = {
  id: '5'.repeat(64) as HexHash,
  manifest: { name: 'm', stopIds: [], architecture: { context: 512 } },
  tokenizer: { encodePrompt: () => Array.from({ length: PROMPT }, () => 3), detokenizer: () => ({ push: (id: number) => textOf([id]), finish: () => '' }) },
  template: { render: () => '' },
} as unknown as ChatModel;
const LOST = new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform' });
const never = new AbortController().signal;

/** Stores that outlive coordinators, and what starts one on them. Ids are stored as they come: the clock moves a second each time it is read. */
async function stores() {
  let now = 0;
  const clock = { now: () => (now += 1_000) };
  const ledger = new Ledger(new MemoryLedgerStore(), clock);
  const archive = new MemoryJobArchive();
  const kept = new MemoryKeptAnswers();
  await ledger.start();
  await ledger.openTrial('ada');
  const standing = async (): Promise<Standing> => ({ ...newStanding(0), reputation: 0.5 });
  const standings: Standings = { of: standing, passed: standing, failed: standing, misjudged: standing, isDemoted: () => false };
  const auditStore: AuditStore = { saveDraw: async () => undefined, drawOf: async () => undefined, saveTranscript: async () => undefined, transcriptsOf: async () => [], savePiece: async () => undefined, pieces: async () => new Map(), prunePieces: async () => 0 };
  const notices = { credited: (_: NodeId) => undefined };
  const money = new NoticedMoney({ ledger, notices, archive });
  let jobs = 100;
  const newJob = (): JobId => (++jobs).toString(16).padStart(32, '0') as JobId;
  const errors: unknown[] = [];
  const start = async (scriptFor: (asked: number) => Script): Promise<{ intake: Intake; runner: ScriptedRunner; recovery: Recovery }> => {
    const recovery = await recoverJobs({ ledger, archive, notices, standings, money, audits: auditStore, kept, newJob });
    const runner = new ScriptedRunner();
    runner.scriptFor = () => scriptFor(runner.orders.length);
    const consider = async ({ record }: JobToAudit) => ({ stages: record.stages.map(() => ({ status: 'passed' as const, firstBadPosition: null })) });
    const audits = { consider, requesterNonce: () => true };
    const intake = new Intake({ models: { get: () => MODEL, list: () => [MODEL] }, ledger, archive, runner, notices, feeds: new JobFeeds(), audits, kept, onError: (error) => errors.push(error) }, clock);
    for (const restart of recovery.goingOn) await intake.goOn(restart);
    return { intake, runner, recovery };
  };
  return { ledger, archive, kept, errors, start };
}

const ask = (intake: Intake, body: Record<string, unknown> = {}): Promise<Answer> =>
  intake.ask(parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }], max_tokens: IDS.length, temperature: 0, stream: true, ...body, ciro: { keep_going: true, ...(body['ciro'] as object) } }), callerOf('ada'));

async function textOfAnswer(answer: Answer | undefined): Promise<string> {
  let text = '';
  for await (const event of answer?.read(never) ?? expect.unreachable('no such answer')) if (event.type === 'text') text += event.text;
  return text;
}

/** A job that stands still after so many ids, as one whose coordinator is killed then. */
const killedAfter = (tokens: number, ids: readonly number[] = IDS): Script => ({ ids, gate: (step) => (step === tokens ? new Promise(() => undefined) : undefined) });
const stored = async (kept: MemoryKeptAnswers, ids: number): Promise<void> => {
  await expect.poll(async () => (await kept.list())[0]?.ids.length).toBe(ids);
};

it('G8: the job that ran is placed anew on its hold, under a version above those that tabs have seen; its reader is given no id twice', async () => {
  const { ledger, archive, kept, start, errors } = await stores();
  const first = await start(() => killedAfter(4));
  const { job } = await ask(first.intake);
  await stored(kept, 4);
  const second = await start(() => ({ ids: IDS }));
  expect(second.recovery).toMatchObject({ released: 0, charged: 0, ran: [job] });
  expect(await textOfAnswer(second.intake.answer(job, 'ada'))).toBe(textOf(IDS));
  expect(second.runner.orders).toMatchObject([{ job, continues: null, maxTokens: IDS.length, firstVersion: 1 + MAX_PLAN_VERSIONS }]);
  await expect.poll(async () => (await kept.list()).length).toBe(0);
  expect(await archive.find(job)).toMatchObject({ state: 'recorded', text: textOf(IDS) });
  expect([await ledger.balance('ada'), await ledger.openHolds(), errors]).toEqual([TRIAL - price(LAUNCH_RATES, PROMPT, IDS.length), [], []]);
  expect(second.intake.answer(job, 'eve')).toBeUndefined();
});

it('G8: each coordinator that ends in the middle raises the version, and money is moved once', async () => {
  const { ledger, kept, start } = await stores();
  const { job } = await ask((await start(() => killedAfter(2))).intake);
  await stored(kept, 2);
  await start(() => killedAfter(5));
  await stored(kept, 5);
  const third = await start(() => ({ ids: IDS }));
  expect(await textOfAnswer(third.intake.answer(job, 'ada'))).toBe(textOf(IDS));
  expect(third.runner.orders[0]?.firstVersion).toBe(1 + 2 * MAX_PLAN_VERSIONS);
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL - price(LAUNCH_RATES, PROMPT, IDS.length));
});

it('G8, M9: a part that moved and is recorded stands; only what went on from it is placed anew', async () => {
  const { ledger, archive, kept, start } = await stores();
  const first = await start((asked) => (asked === 1 ? { ids: IDS, moveAfter: { tokens: 3, lost: LOST } } : killedAfter(2, IDS.slice(3))));
  const { job } = await ask(first.intake);
  await stored(kept, 5);
  await expect.poll(async () => (await archive.find(job))?.state).toBe('recorded');
  const second = await start(() => ({ ids: IDS.slice(3) }));
  const rest = (await kept.list())[0]?.jobs[1];
  expect(await textOfAnswer(second.intake.answer(job, 'ada'))).toBe(textOf(IDS));
  expect(second.runner.orders).toMatchObject([{ job: rest, continues: job, maxTokens: IDS.length - 3 }]);
  await expect.poll(() => archive.continuationOf(job)).toBe(rest);
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL - price(LAUNCH_RATES, PROMPT, IDS.length));
  expect(await ledger.openHolds()).toEqual([]);
});

it('G8, M9: when the rest cannot be had, the reader is told and all of it is paid back, what an earlier coordinator charged included', async () => {
  const { ledger, archive, kept, start } = await stores();
  const first = await start((asked) => (asked === 1 ? { ids: IDS, moveAfter: { tokens: 3, lost: LOST } } : killedAfter(2, IDS.slice(3))));
  const { job } = await ask(first.intake);
  await stored(kept, 5);
  await expect.poll(async () => (await archive.find(job))?.state).toBe('recorded');
  const nobody = new SchedulerError('no-workers', 'no tab contributes', { fault: 'platform' });
  const second = await start(() => ({ ids: [], failAfter: { tokens: 0, error: nobody } }));
  await expect(textOfAnswer(second.intake.answer(job, 'ada'))).rejects.toBe(nobody);
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL);
  await expect.poll(async () => (await kept.list()).length).toBe(0);
});

it('G1, G8: an id that is drawn otherwise than its reader was given ends the answer, and costs nothing', async () => {
  const { ledger, kept, start } = await stores();
  const { job } = await ask((await start(() => killedAfter(4))).intake);
  await stored(kept, 4);
  const second = await start(() => ({ ids: [0, 1, 9, 3, 4] }));
  await expect(textOfAnswer(second.intake.answer(job, 'ada'))).rejects.toMatchObject({ code: 'answer_changed' });
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL);
});

it('G8: a stop string that was met before the end is where the answer ends after it, too', async () => {
  const { ledger, kept, start } = await stores();
  const { job } = await ask((await start(() => killedAfter(4))).intake, { stop: 'cd' });
  await stored(kept, 4);
  const second = await start(() => ({ ids: IDS }));
  expect(await textOfAnswer(second.intake.answer(job, 'ada'))).toBe('ab');
  expect(second.runner.stops).toEqual(['stop']);
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL - price(LAUNCH_RATES, PROMPT, 4));
});

it('G7: of a checked answer nothing was shown, so it is drawn as if for the first time', async () => {
  const { kept, start } = await stores();
  const { job } = await ask((await start(() => killedAfter(4))).intake, { ciro: { assurance: 'checked' } });
  await stored(kept, 4);
  const other = [...IDS].reverse();
  const second = await start(() => ({ ids: other }));
  expect(await textOfAnswer(second.intake.answer(job, 'ada'))).toBe(textOf(other));
});

it('G7: without keep_going nothing is stored, and a start pays back', async () => {
  const { ledger, kept, start } = await stores();
  const first = await start(() => killedAfter(4));
  const { job } = await ask(first.intake, { ciro: { keep_going: false } });
  await expect.poll(() => first.runner.orders.length).toBe(1);
  expect(await kept.list()).toEqual([]);
  const { recovery, intake } = await start(() => ({ ids: IDS }));
  expect([recovery.released, recovery.goingOn, intake.answer(job, 'ada')]).toEqual([1, [], undefined]);
  expect(await ledger.balance('ada')).toBe(TRIAL);
});

it('G8: a coordinator that is stopped leaves such an answer to the next one, and tells its reader that it stops', async () => {
  const { ledger, archive, kept, start } = await stores();
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const first = await start(() => ({ ids: IDS, gate: async (step) => void (step === 4 && (arrived.resolve(), await gate.promise)) }));
  const answer = await ask(first.intake);
  await arrived.promise;
  const closing = first.intake.close();
  gate.resolve();
  await closing;
  await expect(textOfAnswer(answer)).rejects.toMatchObject({ code: 'stopping' });
  expect(first.runner.stops).toEqual(['cancelled']);
  expect(await archive.find(answer.job)).toMatchObject({ state: 'running' });
  const second = await start(() => ({ ids: IDS }));
  expect(await textOfAnswer(second.intake.answer(answer.job, 'ada'))).toBe(textOf(IDS));
  await expect.poll(() => ledger.balance('ada')).toBe(TRIAL - price(LAUNCH_RATES, PROMPT, IDS.length));
  await expect.poll(async () => (await kept.list()).length).toBe(0);
});

it('one that had ended when its coordinator stops is charged there, and not drawn again', async () => {
  const { ledger, kept, start } = await stores();
  const gate = Promise.withResolvers<void>();
  const first = await start(() => ({ ids: IDS, record: () => gate.promise }));
  const answer = await ask(first.intake);
  expect(await textOfAnswer(answer)).toBe(textOf(IDS));
  const closing = first.intake.close();
  gate.resolve();
  await closing;
  const second = await start(() => ({ ids: IDS }));
  expect([second.runner.orders, await kept.list(), await ledger.openHolds()]).toEqual([[], [], []]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(LAUNCH_RATES, PROMPT, IDS.length));
});
