import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { ScriptedRunner } from '../../../tests/support/scripted-runner.ts';
import { workerId } from '../evidence/job-record.fixture.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { AnswerLog } from './answer-log.ts';
import { AssuredAnswer } from './assured-answer.ts';
import { parseChatRequest } from './chat-request.ts';
import { JobFaults } from './job-faults.ts';
import { JobFeeds } from './job-feed.ts';
import { RequesterNonces } from './requester-nonces.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AnswerEvent } from './answer.ts';
import type { Fault } from './correction.ts';
import type { JobStatusEvent } from './job-feed.ts';
import type { AuditOutcome, JobToAudit, StageOutcome } from './ports.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const FIRST = jobId(1);
/** Id n is the letter n of the alphabet; 18 prompt ids, so that the answer begins in the second unit. */
const textOf = (ids: readonly number[]): string => String.fromCodePoint(...ids.map((id) => 97 + id));
const RIGHT = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const WRONG = [0, 1, 2, 20, 21, 22, 23, 24, 25, 20];

type Verdict = StageOutcome | readonly [StageOutcome, number];
const outcome = (verdicts: readonly Verdict[]): AuditOutcome => ({
  stages: verdicts.map((verdict) => (typeof verdict === 'string' ? { status: verdict, firstBadPosition: null } : { status: verdict[0], firstBadPosition: verdict[1] })),
});
const FAILED: readonly Verdict[] = ['passed', ['failed', 20], 'passed'];
const PASSED: readonly Verdict[] = ['passed', 'passed', 'passed by'];

const LOST = new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform', fields: { worker: workerId(2), stage: 1 } });

/** `answers`: ids of each order's whole answer, in turn; `verdicts`: what the audits say of each; `moves`: ids of its own after which an order loses a stage. */
async function setup(wish: { assurance: 'stream' | 'checked'; answers: readonly (readonly number[] | SchedulerError)[]; verdicts: readonly (readonly Verdict[] | Error)[]; moves?: readonly (number | undefined)[]; stop?: string; prefix?: JobId }) {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  const archive = new MemoryJobArchive();
  const feeds = new JobFeeds();
  const runner = new ScriptedRunner();
  const faults = new JobFaults();
  const audited: JobToAudit[] = [];
  const errors: unknown[] = [];
  const hooks = { considered: (): unknown => undefined, ordered: (_: JobOrder): void => undefined };
  const verdicts = [...wish.verdicts];
  const audits = {
    async consider(job: JobToAudit): Promise<AuditOutcome> {
      audited.push(job);
      hooks.considered();
      const verdict = verdicts.shift() ?? PASSED;
      if (verdict instanceof Error) throw verdict;
      // The desk books what it decides, as the real one does.
      const convicted = job.record.stages.filter((_, stage) => typeof verdict[stage] !== 'string').map(({ worker }) => worker);
      if (convicted.length > 0) await ledger.failed(job.record.signed.plan.job, convicted);
      return outcome(verdict);
    },
    requesterNonce: () => true,
  };
  await ledger.start();
  await ledger.openTrial('ada');
  const request = parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }], max_tokens: 10, ...(wish.stop !== undefined && { stop: wish.stop }), ciro: { assurance: wish.assurance } });
  const order: JobOrder = {
    job: FIRST, account: 'ada', modelId: '5'.repeat(64) as HexHash, promptIds: Uint32Array.from({ length: 18 }, () => 3), sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    maxTokens: 10, stopIds: [], quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '58' }, requesterNonce: null, exclude: [], goesOn: true, continues: null,
  };
  await ledger.hold(FIRST, 'ada', 58n);
  const events = new AnswerLog();
  const cancel = new AbortController();
  const stop = new AbortController();
  let jobs = 1;
  const scripted = {
    run(each: JobOrder, signal: AbortSignal) {
      const ids = wish.answers[runner.orders.length] ?? [];
      const skip = each.promptIds.length - order.promptIds.length;
      const tokens = wish.moves?.[runner.orders.length];
      runner.script = ids instanceof SchedulerError ? { ids: [], failAfter: { tokens: 0, error: ids } } : { ids: ids.slice(skip), ...(tokens !== undefined && { moveAfter: { tokens, lost: LOST } }) };
      const { prefix } = wish;
      if (prefix !== undefined && runner.orders.length === 0) runner.script = { ...runner.script, change: (record) => ({ ...record, signed: { ...record.signed, plan: { ...record.signed.plan, prefix: { job: prefix, planHash: record.planHash, positions: 16 } } } }) };
      hooks.ordered(each);
      return runner.run(each, signal);
    },
    forget: (each: JobId) => runner.forget(each),
  };
  const tokenizer = { encodePrompt: () => [], detokenizer: () => ({ push: (id: number) => textOf([id]), finish: () => '' }) };
  const answer = new AssuredAnswer(
    { ledger, archive, feeds, runner: scripted, audits, nonces: new RequesterNonces(audits), faults, newJob: () => jobId(++jobs), now: () => 2_000, notices: { credited: () => undefined }, onError: (error) => errors.push(error) },
    { request, tokenizer, account: 'ada', createdAt: 1_000, events, cancel: cancel.signal, stopping: stop.signal },
  );
  const heard: AnswerEvent[] = [];
  const listen = async (): Promise<unknown> => {
    try {
      for await (const event of events.read(new AbortController().signal)) heard.push(event);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const fed = async (job = FIRST): Promise<JobStatusEvent[]> => {
    const all: JobStatusEvent[] = [];
    for await (const event of feeds.follow(job, AbortSignal.timeout(1_000))) all.push(event);
    return all;
  };
  return { run: async () => (await Promise.all([listen(), answer.run(order)]))[0], heard, fed, runner, faults, ledger, archive, audited, errors, hooks, cancel, stop };
}

const shown = (heard: readonly AnswerEvent[]): string => heard.flatMap((event) => (event.type === 'text' ? event.text : [])).join('');
const types = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);
const price = (prompt: number, tokens: number): bigint => BigInt(prompt + 4 * tokens);

it('an answer that passes is streamed as it comes, audited once, charged once, and settled', async () => {
  const { run, heard, fed, audited, ledger, archive } = await setup({ assurance: 'stream', answers: [RIGHT], verdicts: [PASSED] });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe(textOf(RIGHT));
  expect(heard.at(-1)).toEqual({ type: 'end', finish: 'length', completionTokens: 10 });
  expect(types(await fed())).toEqual(['queued', 'started', 'finished', 'recorded', 'audited', 'audited', 'audited', 'settled']);
  expect(audited).toMatchObject([{ assurance: 'stream', createdAt: 1_000, record: { tokenIds: RIGHT } }]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 10));
  expect(await archive.undecided()).toEqual([]);
});

it('M7: a streamed answer that fails is done again from the first bad unit on other workers; the first costs nothing, the second its own price', async () => {
  const { run, heard, fed, runner, audited, ledger, archive } = await setup({ assurance: 'stream', answers: [WRONG, RIGHT], verdicts: [FAILED, PASSED] });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe(textOf(WRONG));
  // Positions 17, 18 and 19 drew the first three ids.
  expect(runner.orders[1]).toMatchObject({ job: jobId(2), maxTokens: 7, exclude: [workerId(2)], requesterNonce: null });
  expect([...(runner.orders[1]?.promptIds ?? [])]).toEqual([...Array(18).fill(3), 0, 1, 2]);
  expect((await fed()).slice(-2)).toEqual([{ type: 'corrected', job: jobId(2), from_position: 20, text: textOf(RIGHT) }, { type: 'settled' }]);
  expect(types(await fed(jobId(2)))).toEqual(['queued', 'started', 'finished', 'recorded', 'audited', 'audited', 'audited', 'settled']);
  expect(audited.map(({ record }) => record.signed.plan.job)).toEqual([FIRST, jobId(2)]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(21, 7));
  expect(await archive.find(jobId(2))).toMatchObject({ corrects: FIRST, state: 'recorded', text: textOf(RIGHT), createdAt: 2_000 });
  expect(await archive.correctionOf(FIRST)).toBe(jobId(2));
});

it.each([
  ['before it', 0],
  ['after it', 20],
])('V8: an answer that began with a job which is found to fail %s is done again without it, at the price of one', async (_, afterTurns) => {
  const { run, fed, runner, faults, ledger, hooks } = await setup({ assurance: 'stream', answers: [WRONG, RIGHT], verdicts: [PASSED, PASSED], prefix: jobId(99) });
  const { promise, resolve } = Promise.withResolvers<Fault | undefined>();
  faults.expect(jobId(99), promise);
  hooks.considered = async () => {
    for (let turn = 0; turn < afterTurns; turn++) await Promise.resolve();
    resolve({ firstBadPosition: 3, workers: [workerId(2)] });
  };
  expect(await run()).toBeUndefined();
  expect(runner.orders[1]).toMatchObject({ job: jobId(2), maxTokens: 10, reuses: false, exclude: [] });
  expect((await fed()).slice(-2)).toEqual([{ type: 'corrected', job: jobId(2), from_position: 17, text: textOf(RIGHT) }, { type: 'settled' }]);
  expect(runner.forgotten).toEqual([FIRST]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 10));
});

it('V8: an answer stands when the job that it began with does', async () => {
  const { run, fed, runner, faults } = await setup({ assurance: 'stream', answers: [RIGHT], verdicts: [PASSED], prefix: jobId(99) });
  faults.expect(jobId(99), Promise.resolve(undefined));
  expect(await run()).toBeUndefined();
  expect([runner.orders.length, types(await fed()).at(-1)]).toEqual([1, 'settled']);
});

it('a checked answer is not shown before its audits, and the right one is shown in the place of a wrong one', async () => {
  const { run, heard, fed, ledger } = await setup({ assurance: 'checked', answers: [WRONG, RIGHT], verdicts: [FAILED, PASSED] });
  expect(await run()).toBeUndefined();
  expect(heard.filter(({ type }) => type === 'text')).toEqual([{ type: 'text', text: textOf(RIGHT) }]);
  expect(heard.at(-1)).toEqual({ type: 'end', finish: 'length', completionTokens: 10, correctedBy: jobId(2) });
  expect((await fed()).filter(({ type }) => type === 'corrected')).toEqual([{ type: 'corrected', job: jobId(2), from_position: 20, text: textOf(RIGHT) }]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(21, 7));
});

it('a checked answer of which a stage could not be decided is done again whole, and paid back', async () => {
  const { run, heard, runner, ledger } = await setup({ assurance: 'checked', answers: [WRONG, RIGHT], verdicts: [['passed', 'unpaid', 'passed'], PASSED] });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe(textOf(RIGHT));
  expect(runner.orders[1]).toMatchObject({ maxTokens: 10, exclude: [workerId(2)] });
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 10));
});

it('a checked answer that nobody can do again is refused by name and costs nothing', async () => {
  const error = new SchedulerError('not-covered', 'the tabs cannot hold the model', { fault: 'platform' });
  const { run, heard, fed, ledger } = await setup({ assurance: 'checked', answers: [WRONG, error], verdicts: [FAILED] });
  expect(await run()).toMatchObject({ code: 'answer_unverified', message: expect.stringContaining('the tabs cannot hold the model') });
  expect(shown(heard)).toBe('');
  expect((await fed()).slice(-2)).toMatchObject([{ type: 'uncorrected', code: 'not-covered' }, { type: 'settled' }]);
  expect(await ledger.balance('ada')).toBe(TRIAL);
  expect(await ledger.openHolds()).toEqual([]);
});

it('an answer is done again three times at most, each time without all that failed before', async () => {
  const { run, fed, runner, ledger } = await setup({ assurance: 'checked', answers: [WRONG, WRONG, WRONG, WRONG, RIGHT], verdicts: [FAILED, FAILED, FAILED, FAILED] });
  expect(await run()).toMatchObject({ code: 'answer_unverified' });
  expect(runner.orders).toHaveLength(4);
  expect(types(await fed(jobId(3))).at(-1)).toBe('settled');
  expect(await ledger.balance('ada')).toBe(TRIAL);
});

it('a client that hung up is not given the answer again; the job is decided and paid back all the same', async () => {
  const { run, runner, audited, hooks, cancel, ledger, archive } = await setup({ assurance: 'checked', answers: [WRONG, RIGHT], verdicts: [FAILED] });
  hooks.considered = () => cancel.abort();
  await run();
  expect([runner.orders.length, audited.length]).toEqual([1, 1]);
  expect(await ledger.balance('ada')).toBe(TRIAL);
  expect(await archive.undecided()).toEqual([]);
});

it('audits that come to no end: a stream has its answer, a checked one is refused and paid back; the next start takes them up', async () => {
  const broken = new Error('the store is gone');
  const stream = await setup({ assurance: 'stream', answers: [RIGHT], verdicts: [broken] });
  expect(await stream.run()).toBeUndefined();
  expect(shown(stream.heard)).toBe(textOf(RIGHT));
  expect(await stream.archive.undecided()).toEqual([FIRST]);
  const checked = await setup({ assurance: 'checked', answers: [RIGHT], verdicts: [broken] });
  expect(await checked.run()).toMatchObject({ code: 'answer_unverified' });
  expect(shown(checked.heard)).toBe('');
  expect(await checked.ledger.balance('ada')).toBe(TRIAL);
  expect([...stream.errors, ...checked.errors]).toEqual([broken, broken]);
});

it('a coordinator that stops does not wait for audits', async () => {
  const { run, heard, stop, archive } = await setup({ assurance: 'checked', answers: [RIGHT], verdicts: [] });
  const find = archive.record.bind(archive);
  archive.record = async (...record) => {
    await find(...record);
    stop.abort();
  };
  expect(await run()).toMatchObject({ code: 'stopping' });
  expect(shown(heard)).toBe('');
  expect(await archive.undecided()).toEqual([FIRST]);
});

it('G2, M9: an answer whose tab leaves goes on in another job; the client reads one text and pays for one answer', async () => {
  const { run, heard, fed, runner, audited, ledger, archive } = await setup({ assurance: 'stream', answers: [RIGHT, RIGHT, RIGHT], verdicts: [PASSED, PASSED, PASSED], moves: [4, 3] });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe(textOf(RIGHT));
  expect(types(heard)).toEqual(['queued', 'started', ...Array(4).fill('text'), 'moving', ...Array(3).fill('text'), 'moving', ...Array(3).fill('text'), 'end']);
  expect(heard.at(-1)).toEqual({ type: 'end', finish: 'length', completionTokens: 10 });
  expect(runner.orders.map(({ job, maxTokens, continues, exclude, quote }) => [job, maxTokens, continues, exclude, quote.promptToken])).toEqual([[FIRST, 10, null, [], '1'], [jobId(2), 6, FIRST, [], '0'], [jobId(3), 3, jobId(2), [], '0']]);
  expect([...(runner.orders[2]?.promptIds ?? [])]).toEqual([...Array(18).fill(3), ...RIGHT.slice(0, 7)]);
  expect(runner.orders.map(({ drawnFrom }) => drawnFrom), 'V10').toEqual([undefined, 18, 18]);
  expect(audited.map(({ record }) => [record.signed.plan.job, record.finish, record.tokenIds.length])).toEqual(expect.arrayContaining([[FIRST, 'moved', 4], [jobId(2), 'moved', 3], [jobId(3), 'length', 3]]));
  expect(await archive.find(jobId(2))).toMatchObject({ continues: FIRST, corrects: null, state: 'recorded', text: textOf(RIGHT.slice(0, 7)), createdAt: 2_000 });
  expect([await archive.continuationOf(FIRST), await archive.correctionOf(FIRST)]).toEqual([jobId(2), undefined]);
  expect((await fed()).filter(({ type }) => type === 'moved')).toEqual([jobId(2), jobId(3)].map((job, n) => ({ type: 'moved', job, from_position: 21 + 3 * n, code: 'worker_lost', message: 'stage 1 left' })));
  for (const job of [FIRST, jobId(2), jobId(3)]) expect(types(await fed(job)).at(-1)).toBe('settled');
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 10));
  expect(await ledger.openHolds()).toEqual([]);
});

it('G2: a stop string that the move cuts in two ends the answer all the same', async () => {
  const { run, heard } = await setup({ assurance: 'stream', answers: [RIGHT, RIGHT], verdicts: [], moves: [4], stop: 'de' });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe('abc');
  expect(heard.at(-1)).toMatchObject({ type: 'end', finish: 'stop' });
});

it('M9: an answer that cannot go on ends with the error, and all of it is paid back', async () => {
  const nobody = new SchedulerError('not-covered', 'the tabs cannot hold the model', { fault: 'platform' });
  const { run, heard, fed, ledger } = await setup({ assurance: 'stream', answers: [RIGHT, nobody], verdicts: [PASSED], moves: [4] });
  expect(await run()).toBe(nobody);
  expect(shown(heard)).toBe(textOf(RIGHT.slice(0, 4)));
  expect((await fed()).at(-1)).toMatchObject({ type: 'failed', code: 'not-covered' });
  expect(await ledger.balance('ada')).toBe(TRIAL);
  expect(await ledger.openHolds()).toEqual([]);
});

it('a client that hangs up while its answer moves pays for what it was sent', async () => {
  const { run, heard, hooks, cancel, ledger, archive } = await setup({ assurance: 'stream', answers: [RIGHT, RIGHT], verdicts: [PASSED], moves: [4] });
  hooks.ordered = ({ continues }) => void (continues !== null && cancel.abort());
  expect(await run()).toMatchObject({ code: 'cancelled' });
  expect(shown(heard)).toBe(textOf(RIGHT.slice(0, 4)));
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 4));
  expect([await archive.undecided(), await ledger.openHolds()]).toEqual([[], []]);
});

it('M7, M9: a part that fails its audit is done again to the end of the answer; what others drew from its ids costs nothing', async () => {
  const { run, heard, fed, runner, ledger } = await setup({ assurance: 'stream', answers: [WRONG, WRONG, RIGHT], verdicts: [FAILED, PASSED, PASSED], moves: [6] });
  expect(await run()).toBeUndefined();
  expect(shown(heard)).toBe(textOf(WRONG));
  expect(runner.orders[2]).toMatchObject({ job: jobId(3), maxTokens: 7, continues: null, exclude: [workerId(2)] });
  for (const job of [FIRST, jobId(2)]) expect((await fed(job)).slice(-2)).toEqual([{ type: 'corrected', job: jobId(3), from_position: 20, text: textOf(RIGHT) }, { type: 'settled' }]);
  expect(await ledger.balance('ada')).toBe(TRIAL - price(21, 7));
});

it('M7: of a later part the correction keeps what came before, at the price of one answer; it may move itself', async () => {
  const { run, runner, ledger, archive } = await setup({ assurance: 'stream', answers: [RIGHT, WRONG, RIGHT, RIGHT], verdicts: [PASSED, ['passed', ['failed', 0], 'passed'], PASSED, PASSED], moves: [2, undefined, 5] });
  expect(await run()).toBeUndefined();
  expect(runner.orders.map(({ job, promptIds, quote }) => [job, promptIds.length, quote.promptToken])).toEqual([[FIRST, 18, '1'], [jobId(2), 20, '0'], [jobId(3), 20, '0'], [jobId(4), 25, '0']]);
  expect(await archive.find(jobId(3))).toMatchObject({ corrects: jobId(2), continues: null });
  expect(await archive.find(jobId(4))).toMatchObject({ corrects: null, continues: jobId(3), text: textOf(RIGHT) });
  expect(await ledger.balance('ada')).toBe(TRIAL - price(18, 10));
});

it('G1: ids that a new plan draws again are not given out twice; another id than the client has read ends the answer', async () => {
  const again = await setup({ assurance: 'stream', answers: [RIGHT], verdicts: [] });
  again.hooks.ordered = () => void (again.runner.script = { ...again.runner.script, before: RIGHT.slice(0, 3) });
  expect(await again.run()).toBeUndefined();
  expect(shown(again.heard)).toBe(textOf(RIGHT));
  const other = await setup({ assurance: 'stream', answers: [RIGHT], verdicts: [] });
  other.hooks.ordered = () => void (other.runner.script = { ...other.runner.script, before: WRONG.slice(0, 4) });
  expect(await other.run()).toMatchObject({ code: 'answer_changed', message: expect.stringContaining('drew id 3 as number 4 where 20 was given out') });
  expect(await other.ledger.balance('ada')).toBe(TRIAL);
});
