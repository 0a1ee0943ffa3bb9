import { request } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { askNetwork } from '../../tests/support/network-question.ts';
import type { Door, NetworkAnswer } from '../../tests/support/network-question.ts';
import type { Arrival } from './arrivals.ts';

/** A trial's credits are enough for about so many of the jobs here; an address may open so many trials. */
export const JOBS_A_TRIAL = 40;
const TRIALS_AN_ADDRESS = 10;
/** The queue is looked at this often. */
const LOOK_MS = 1_000;

const Trial = v.object({ key: v.string() });
const Health = v.object({ queue: v.number(), running: v.number(), rings: v.array(v.object({ ready: v.boolean() })) });

export interface Asked {
  readonly askedMs: number;
  readonly firstTextMs: number | undefined;
  readonly endMs: number;
  readonly answer: NetworkAnswer;
}

export interface Load {
  readonly asked: readonly Asked[];
  /** Jobs that waited, by look. */
  readonly queue: readonly number[];
  readonly running: readonly number[];
  /** Rings that were ready, by look. */
  readonly rings: readonly number[];
  /** Processes that wanted a core, of this machine's last minute, by look. */
  readonly busy: readonly number[];
  /** Until the last answer was over. */
  readonly seconds: number;
}

/** Opens as many trials as so many jobs need, from as many addresses as that takes. */
export async function openTrials(url: string, jobs: number): Promise<readonly Door[]> {
  const count = Math.ceil(jobs / JOBS_A_TRIAL);
  const doors: Door[] = [];
  for (let index = 0; index < count; index++) doors.push({ url, trialKey: await openTrial(url, `127.0.0.${2 + Math.floor(index / TRIALS_AN_ADDRESS)}`) });
  return doors;
}

/** Asks each job at its time, whatever became of those before, and waits for all answers. */
export async function askJobs(doors: readonly Door[], arrivals: readonly Arrival[], signal: AbortSignal): Promise<Load> {
  const begun = performance.now();
  const queue: number[] = [];
  const running: number[] = [];
  const rings: number[] = [];
  const busy: number[] = [];
  const over = new AbortController();
  const looking = look(doors[0] as Door, over.signal, (health) => {
    queue.push(health.queue);
    running.push(health.running);
    rings.push(health.rings.filter(({ ready }) => ready).length);
    busy.push(loadavg()[0] ?? Number.NaN);
  });
  const asked = await Promise.all(arrivals.map(async ({ atMs, maxTokens }, index) => {
    await sleep(Math.max(0, begun + atMs - performance.now()), undefined, { signal });
    return ask(doors[index % doors.length] as Door, index, maxTokens, signal);
  }));
  over.abort();
  await looking;
  return { asked, queue, running, rings, busy, seconds: (performance.now() - begun) / 1000 };
}

async function ask(door: Door, index: number, maxTokens: number, signal: AbortSignal): Promise<Asked> {
  const askedMs = performance.now();
  let firstTextMs: number | undefined;
  const onText = (): void => void (firstTextMs ??= performance.now() - askedMs);
  const answer = await askNetwork(door, { messages: [{ role: 'user', content: `job ${index}` }], maxTokens, onText, signal });
  return { askedMs, firstTextMs, endMs: performance.now(), answer };
}

async function look({ url }: Door, signal: AbortSignal, seen: (health: v.InferOutput<typeof Health>) => void): Promise<void> {
  while (!signal.aborted) {
    seen(v.parse(Health, await (await fetch(new URL('/health', url))).json()));
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** `fetch` cannot choose its address. */
function openTrial(url: string, localAddress: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const asking = request({ host: hostname, port, path: '/v1/trial', method: 'POST', localAddress, family: 4 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
        const trial = v.safeParse(v.pipe(v.string(), v.parseJson(), Trial), body);
        if (trial.success) resolve(trial.output.key);
        else reject(new Error(`no trial: HTTP ${response.statusCode} ${body}`));
      });
    });
    asking.on('error', reject).end();
  });
}
