import { describe, expect, it } from 'vitest';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { answerParts, isWhole } from './answer-parts.ts';
import { ApiKey } from './api-key.ts';
import { ChatApi } from './chat-api.ts';
import { ChatSession, type ChatKeeping } from './chat-session.ts';

const JOB = 'cd'.repeat(16);
const OPTIONS = { model: 'tiny', maxTokens: 8 };
const chunk = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const ANSWER = `${chunk({ content: 'Paris.' })}${chunk({}, 'stop')}data: [DONE]\n\n`;
const EVIDENCE = { stages: [{ worker: 'a', layers: [0, 2], engine: 'wasm', link: 'none', ms_per_token: { p50: 1 }, audit_status: 'passed', units: [], receipts: [] }], disagreements: [], audits: [], assurance: 'stream', corrected_by: null, continued_by: null, finish_reason: 'stop', prompt_tokens: 12, text: 'Paris.', ledger: { debit: '5', fee: '1' } };
const HAPPENED = 'data: {"type":"recorded","roots":[]}\n\ndata: {"type":"audited","stage":0,"status":"passed"}\n\ndata: {"type":"settled"}\n\n';
const apiError = (status: number, code: string) => Response.json({ error: { message: `it says ${code}`, type: 'x', param: null, code } }, { status, headers: { 'retry-after': '7' } });

/** A coordinator that answers each path with the next of its replies, the last one for ever. */
function setup(replies: Record<string, readonly (() => Response | Promise<Response>)[]> = {}) {
  const requests: { path: string; body: unknown; authorization: string | null; lastEventId: string | null }[] = [];
  const counts = new Map<string, number>();
  const defaults: typeof replies = {
    '/v1/trial': [() => Response.json({ key: 'ciro-sk-first' }, { status: 201 }), () => Response.json({ key: 'ciro-sk-second' }, { status: 201 })],
    '/v1/chat/completions': [() => new Response(ANSWER, { headers: { 'x-ciro-job': JOB } })],
    [`/v1/jobs/${JOB}/evidence`]: [() => Response.json({ status: 'running' }, { status: 202 }), () => Response.json(EVIDENCE)],
    [`/v1/jobs/${JOB}/events`]: [() => new Response(HAPPENED)],
    [`/v1/jobs/${JOB}/nonce`]: [() => new Response(null, { status: 204 })],
    '/v1/account': [() => Response.json({ balance: '1995' })],
  };
  const api = new ChatApi('https://ciro.test/', async (input, init) => {
    const { pathname } = new URL(String(input));
    requests.push({ path: pathname, body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined, authorization: new Headers(init?.headers).get('authorization'), lastEventId: new Headers(init?.headers).get('last-event-id') });
    const list = replies[pathname] ?? defaults[pathname] ?? [];
    const count = counts.get(pathname) ?? 0;
    counts.set(pathname, count + 1);
    const reply = list[Math.min(count, list.length - 1)];
    if (reply === undefined) throw new TypeError(`nobody asked for ${pathname}`);
    return reply();
  });
  const settings = new Map<string, unknown>();
  const kept = new Map<string, unknown>();
  const keeping: ChatKeeping = {
    list: () => Promise.resolve([...kept.values()].map((value) => ({ value }))),
    keep: ({ id, value }) => Promise.resolve(void kept.set(id, value)),
    remove: (id) => Promise.resolve(void kept.delete(id)),
  };
  const key = new ApiKey({ read: (name) => Promise.resolve(settings.get(name)), keep: (name, value) => Promise.resolve(void settings.set(name, value)) }, (signal) => api.openTrial(signal));
  let now = 0;
  let ids = 0;
  const ports = { api, key, keeping, now: () => (now += 10), newId: () => `chat-${++ids}`, newNonce: () => 'ab'.repeat(32), wait: () => Promise.resolve() };
  return { chat: new ChatSession(ports), ports, requests, kept, settings, answer: (chat: ChatSession) => chat.chat.value.turns.at(-1)?.answer };
}

describe('ChatSession', () => {
  it('opens a trial at the first question, streams the answer, and fetches who served it and what is left', async () => {
    const { chat, requests, settings, answer } = setup();
    await chat.ask('What is the capital of France?', OPTIONS);
    expect(answer(chat)).toMatchObject({ state: 'done', text: 'Paris.', job: JOB, finish: 'stop' });
    expect(chat.served.value.get(JOB)?.debit).toBe(5n);
    expect(chat.balance.value).toBe(1995n);
    expect(settings.get('api-key')).toBe('ciro-sk-first');
    const paths = requests.map(({ path }) => path);
    expect(paths.slice(0, 2)).toEqual(['/v1/trial', '/v1/chat/completions']);
    expect([...new Set(paths)].sort()).toEqual(['/v1/account', '/v1/chat/completions', `/v1/jobs/${JOB}/events`, `/v1/jobs/${JOB}/evidence`, `/v1/jobs/${JOB}/nonce`, '/v1/trial']);
    expect(requests[1]).toMatchObject({ authorization: 'Bearer ciro-sk-first', body: { model: 'tiny', max_tokens: 8, stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'What is the capital of France?' }] } });
  });

  it('commits to a nonce before it asks and opens it when the roots are in (SPEC A1)', async () => {
    const { chat, requests } = setup();
    await chat.ask('One?', OPTIONS);
    const body = (path: string) => requests.find((each) => each.path === path)?.body;
    expect(body('/v1/chat/completions')).toMatchObject({ ciro: { assurance: 'stream', nonce_commitment: nonceCommitment('ab'.repeat(32)) } });
    expect(body(`/v1/jobs/${JOB}/nonce`)).toEqual({ nonce: 'ab'.repeat(32) });
  });

  it('shows the corrected text when an audit fails, and keeps what was wrong beside it', async () => {
    const right = 'ef'.repeat(16);
    const wrong = { ...EVIDENCE, stages: EVIDENCE.stages.map((stage) => ({ ...stage, audit_status: 'failed' })), corrected_by: right };
    const { chat, answer, kept } = setup({
      [`/v1/jobs/${JOB}/events`]: [() => new Response(`${HAPPENED}data: ${JSON.stringify({ type: 'corrected', job: right, from_position: 1, text: 'Lyon is wrong; Paris.' })}\n\n`)],
      [`/v1/jobs/${JOB}/evidence`]: [() => Response.json({ ...wrong, corrected_by: null, stages: EVIDENCE.stages.map((stage) => ({ ...stage, audit_status: 'pending' })) }), () => Response.json(wrong)],
      [`/v1/jobs/${right}/evidence`]: [() => Response.json({ ...EVIDENCE, text: 'Lyon is wrong; Paris.' })],
    });
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)).toMatchObject({ text: 'Lyon is wrong; Paris.', job: JOB, corrected: { job: right, instead: 'Paris.' } });
    expect(JSON.stringify([...kept.values()])).toContain('Lyon is wrong');
  });

  it('goes on with an answer that moves: shows who served each part, and checks the last job with those before it', async () => {
    const next = 'ef'.repeat(16);
    const moved = { ...EVIDENCE, corrects: null, continues: null, finish_reason: 'moved', text: 'Par' };
    const last = { ...EVIDENCE, corrects: null, continues: JOB, prompt_tokens: 49, stages: EVIDENCE.stages.map((stage) => ({ ...stage, worker: 'b' })) };
    const pending = EVIDENCE.stages.map((stage) => ({ ...stage, worker: 'b', audit_status: 'pending' }));
    const { chat, requests, answer } = setup({
      '/v1/chat/completions': [() => new Response(`${chunk({ content: 'Par' })}: moving layers\n\n${chunk({ content: 'is.' })}${chunk({}, 'stop')}data: [DONE]\n\n`, { headers: { 'x-ciro-job': JOB } })],
      [`/v1/jobs/${JOB}/events`]: [() => new Response(`data: ${JSON.stringify({ type: 'moved', job: next, from_position: 48, code: 'worker_lost', message: 'left' })}\n\n${HAPPENED}`)],
      [`/v1/jobs/${next}/events`]: [() => new Response(HAPPENED)],
      // It says who goes on with it once that one is recorded.
      [`/v1/jobs/${JOB}/evidence`]: [() => Response.json(moved), () => Response.json(moved), () => Response.json({ ...moved, continued_by: next })],
      [`/v1/jobs/${next}/evidence`]: [() => Response.json({ status: 'running' }, { status: 202 }), () => Response.json({ ...last, stages: pending }), () => Response.json(last)],
    });
    const states: (string | undefined)[] = [];
    chat.chat.subscribe((shown) => states.push(shown.turns.at(-1)?.answer.state));
    await chat.ask('One?', OPTIONS);
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual(['waiting', 'streaming', 'moving', 'streaming', 'done']);
    expect(answer(chat)).toMatchObject({ state: 'done', text: 'Paris.', job: JOB });
    const parts = answerParts(chat.served.value, JOB);
    expect(parts.map(({ job, after, served }) => [job, after, served.stages[0]?.worker, served.stages[0]?.audit])).toEqual([[JOB, 0, 'a', 'passed'], [next, 37, 'b', 'passed']]);
    expect(isWhole(parts)).toBe(true);
    // The nonce was committed to for the first job's draw.
    expect(requests.map(({ path }) => path).filter((path) => path.endsWith('/nonce'))).toEqual([`/v1/jobs/${JOB}/nonce`]);

    requests.length = 0;
    await chat.verify(chat.chat.value.turns, next);
    expect(requests.map(({ path }) => path)).toEqual([`/v1/jobs/${next}/evidence`, `/v1/jobs/${JOB}/evidence`]);
    expect(chat.proofs.value.get(next)).toMatchObject({ state: 'done', report: { verdict: 'failed' } });
  });

  it('says what is wrong with evidence that is no evidence, and does not throw', async () => {
    const { chat } = setup();
    await chat.ask('One?', OPTIONS);
    await chat.verify(chat.chat.value.turns, JOB);
    expect(chat.proofs.value.get(JOB)).toMatchObject({ state: 'done', report: { verdict: 'failed' } });
  });

  it('asks with one trial for all questions, and sends the conversation along', async () => {
    const { chat, requests } = setup();
    await chat.ask('One?', OPTIONS);
    await chat.ask('Two?', OPTIONS);
    expect(requests.filter(({ path }) => path === '/v1/trial')).toHaveLength(1);
    expect(requests.findLast(({ path }) => path === '/v1/chat/completions')?.body).toMatchObject({ messages: [{ content: 'One?' }, { content: 'Paris.' }, { content: 'Two?' }] });
  });

  it('opens a new trial once when the coordinator does not know the key any more', async () => {
    const { chat, requests, answer } = setup({ '/v1/chat/completions': [() => apiError(401, 'invalid_api_key'), () => new Response(ANSWER)] });
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)?.state).toBe('done');
    expect(requests.filter(({ path }) => path === '/v1/chat/completions').map(({ authorization }) => authorization)).toEqual(['Bearer ciro-sk-first', 'Bearer ciro-sk-second']);
  });

  it('does not open trials for ever', async () => {
    const { chat, requests, answer } = setup({ '/v1/chat/completions': [() => apiError(401, 'invalid_api_key')] });
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)?.trouble?.code).toBe('invalid_api_key');
    expect(requests.filter(({ path }) => path === '/v1/trial')).toHaveLength(2);
  });

  it('shows the coordinator\'s error with its code and when to come back', async () => {
    const { chat, answer } = setup({ '/v1/chat/completions': [() => apiError(503, 'no_workers')] });
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)).toMatchObject({ state: 'failed', trouble: { code: 'no_workers', message: 'it says no_workers', retryAfter: 7 } });
  });

  it('says so when nobody answers at all, and can ask again in place', async () => {
    let online = false;
    const { chat, answer } = setup({ '/v1/chat/completions': [() => (online ? new Response(ANSWER) : Promise.reject(new TypeError('Failed to fetch')))] });
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)?.trouble?.code).toBe('unreachable');
    online = true;
    await chat.again(OPTIONS);
    expect(chat.chat.value.turns).toHaveLength(1);
    expect(answer(chat)?.state).toBe('done');
  });

  it('stops an answer under way, keeps what came, and is free for the next question', async () => {
    let hungUp = false;
    const endless = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(chunk({ content: 'Par' }))),
      cancel: () => void (hungUp = true),
    });
    const { chat, ports, answer } = setup();
    // A stream under a signal, as fetch gives it.
    ports.api.ask = async function* (_request, _key, signal, onAccepted) {
      onAccepted(undefined);
      const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError'))));
      yield { type: 'text', piece: 'Par' };
      try {
        await ended;
      } finally {
        await endless.cancel();
      }
    };
    const asking = chat.ask('One?', OPTIONS);
    while (answer(chat)?.text !== 'Par') await new Promise((resolve) => setTimeout(resolve, 1));
    expect(chat.busy.value).toBe(true);
    chat.stop();
    await asking;
    expect(answer(chat)).toMatchObject({ state: 'stopped', text: 'Par' });
    expect(chat.busy.value).toBe(false);
    expect(hungUp).toBe(true);
  });

  it('finds its conversations again on the next visit, and forgets one for good', async () => {
    const { chat, ports, kept } = setup();
    await chat.ask('One?', OPTIONS);
    const later = new ChatSession(ports);
    await later.load();
    const [found] = later.kept.value;
    expect(found?.turns[0]?.question).toBe('One?');
    if (found === undefined) throw new Error('the conversation was not kept');
    later.open(found);
    await later.remove(found);
    expect(later.chat.value.turns).toEqual([]);
    expect(kept.size).toBe(0);
  });

  it('goes on where the browser keeps nothing, and says so', async () => {
    const { chat, ports, answer } = setup();
    ports.keeping.keep = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    await chat.ask('One?', OPTIONS);
    expect(answer(chat)?.state).toBe('done');
    expect(chat.keeps.value).toBe(false);
  });

  describe('an answer whose reader or coordinator goes (SPEC G7)', () => {
    const begun = (text: string): Response => new Response(chunk({ content: text }), { headers: { 'x-ciro-job': JOB } });
    const REST = `id: 6\n${chunk({ content: 'is.' })}${chunk({}, 'stop')}data: [DONE]\n\n`;
    const path = `/v1/jobs/${JOB}/answer`;

    it('is read on where its text ends when the connection breaks, as often as it takes', async () => {
      const { chat, requests, answer } = setup({
        '/v1/chat/completions': [() => begun('Par')],
        [path]: [() => Promise.reject(new TypeError('Failed to fetch')), () => apiError(503, 'stopping'), () => new Response(REST)],
      });
      const states: (string | undefined)[] = [];
      chat.chat.subscribe((shown) => states.push(shown.turns.at(-1)?.answer.state));
      await chat.ask('One?', OPTIONS);
      expect(answer(chat)).toMatchObject({ state: 'done', text: 'Paris.', job: JOB });
      expect(states.filter((state, index) => state !== states[index - 1])).toEqual(['waiting', 'streaming', 'away', 'streaming', 'done']);
      expect(requests.filter((each) => each.path === path).map(({ lastEventId }) => lastEventId)).toEqual(['3', '3', '3']);
      expect(requests.find((each) => each.path === '/v1/chat/completions')?.body).toMatchObject({ ciro: { keep_going: true } });
    });

    it('is found again after a reload, with the text that came meanwhile', async () => {
      const { chat, ports } = setup({ '/v1/chat/completions': [() => begun('Par')], [path]: [() => new Response(new ReadableStream()), () => new Response(`id: 3\n${chunk({ content: 'Par' })}${REST}`)] });
      void chat.ask('One?', OPTIONS);
      await expect.poll(async () => (await ports.keeping.list()).length).toBe(1);
      // The page is gone without a word; the next one finds what was kept when the job was accepted.
      const next = new ChatSession(ports);
      await expect.poll(async () => {
        if (next.chat.value.turns.length === 0) await next.load();
        return next.chat.value.turns.at(-1)?.answer;
      }).toMatchObject({ state: 'done', text: 'Paris.', job: JOB });
    });

    it('says what the coordinator says when the answer could not go on, and lets the person ask again', async () => {
      const { chat, answer } = setup({ '/v1/chat/completions': [() => begun('Par')], [path]: [() => apiError(409, 'job_failed')] });
      await chat.ask('One?', OPTIONS);
      expect(answer(chat)).toMatchObject({ state: 'failed', text: 'Par', trouble: { code: 'job_failed', message: 'it says job_failed' } });
    });

    it('is given up when the coordinator stays away for minutes', async () => {
      const { chat, ports, answer } = setup({ '/v1/chat/completions': [() => begun('Par')], [path]: [() => Promise.reject(new TypeError('Failed to fetch'))] });
      let now = 0;
      ports.now = () => (now += 1_000);
      await chat.ask('One?', OPTIONS);
      expect(answer(chat)).toMatchObject({ state: 'failed', trouble: { code: 'unreachable' } });
    });

    it('is ended by name when the person stops it', async () => {
      const { chat, requests } = setup({ '/v1/chat/completions': [() => begun('Par')], [path]: [() => Promise.reject(new TypeError('Failed to fetch'))], [`/v1/jobs/${JOB}/cancel`]: [() => Response.json({})] });
      chat.chat.subscribe((shown) => void (shown.turns.at(-1)?.answer.state === 'away' && chat.stop()));
      await chat.ask('One?', OPTIONS);
      expect(requests.map((each) => each.path)).toContain(`/v1/jobs/${JOB}/cancel`);
      expect(chat.chat.value.turns.at(-1)?.answer.state).toBe('stopped');
    });
  });
});
