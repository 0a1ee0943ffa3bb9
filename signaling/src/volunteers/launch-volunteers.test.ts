import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from './browser.ts';
import { findBrowser } from './find-browser.ts';
import { launchVolunteers } from './launch-volunteers.ts';
import type { Volunteers } from './launch-volunteers.ts';

const PAGE = `<!doctype html><title>volunteer</title><link rel="icon" href="data:,"><script>
localStorage.visits = Number(localStorage.visits ?? 0) + 1;
console.error('no model in ' + location.hash);
setTimeout(() => { throw new Error('nobody catches this'); });
</script>`;

let browser: Browser | undefined;
let server: Server;
let url: string;

beforeAll(async () => {
  browser = await findBrowser();
  server = createServer((request, response) => {
    response.statusCode = request.url === '/' ? 200 : 404;
    response.setHeader('content-type', 'text/html').end(PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The test server has no port.');
  url = `http://127.0.0.1:${address.port}/`;
});

beforeEach((test) => {
  if (browser === undefined) test.skip('no browser: set CIRO_BROWSER');
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

function open(count: number, signal = new AbortController().signal): Promise<Volunteers> {
  if (browser === undefined) throw new Error('The test should have been skipped.');
  return launchVolunteers({ browser, url, count, engine: 'wasm', signal });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<boolean> {
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries += 1) await sleep(50);
  return !pids.some(isAlive);
}

describe('three volunteers', () => {
  let volunteers: Volunteers;

  beforeAll(async () => {
    if (browser !== undefined) volunteers = await open(3);
  });
  afterAll(() => volunteers?.close());

  it('are at the page’s origin, each with a storage of its own', async () => {
    const seen = await Promise.all(volunteers.pages.map((page) => page.evaluate('[location.href, localStorage.visits]')));
    expect(seen).toEqual(Array.from({ length: 3 }, () => [`${url}#volunteer=1&engine=wasm`, '1']));
  });

  it('have what they print as an error or throw collected', async () => {
    const first = () => volunteers.problems.filter(({ volunteer }) => volunteer === 0);
    await expect.poll(() => first().length).toBe(2);
    expect(first()).toEqual([
      { volunteer: 0, kind: 'console', text: 'no model in #volunteer=1&engine=wasm' },
      { volunteer: 0, kind: 'exception', text: expect.stringContaining('nobody catches this') },
    ]);
  });

  it.runIf(process.platform === 'linux')('have a renderer process each, whose memory is told', async () => {
    await volunteers.pages[1]?.evaluate('globalThis.kept = new Uint8Array(100e6).fill(1); undefined');
    const [plain, filled, other] = await volunteers.memory();
    if (plain === undefined || filled === undefined || other === undefined) throw new Error('A volunteer has no process.');
    expect(new Set([plain.pid, filled.pid, other.pid]).size).toBe(3);
    expect(filled.residentBytes - plain.residentBytes).toBeGreaterThan(80e6);
    expect(filled.peakBytes).toBeGreaterThanOrEqual(filled.residentBytes);
  });

  it('are two after one has crashed', async () => {
    await volunteers.pages[0]?.goto('chrome://crash').catch(() => undefined);
    await expect.poll(() => volunteers.problems.filter(({ kind }) => kind === 'crash')).toEqual([expect.objectContaining({ volunteer: 0 })]);
    expect(await volunteers.pages[1]?.title()).toBe('volunteer');
    const [crashed, alive] = await volunteers.memory();
    expect(crashed).toBeUndefined();
    if (process.platform === 'linux') expect(alive?.peakBytes).toBeGreaterThan(0);
  });
});

it('closes the browser when the signal aborts, and refuses to start when it has', async () => {
  const stop = new AbortController();
  const volunteers = await open(1, stop.signal);
  const closed = new Promise((resolve) => volunteers.pages[0]?.once('close', resolve));
  stop.abort(new Error('stopped'));
  await closed;
  await expect(open(1, stop.signal)).rejects.toThrow('stopped');
});

it('names the address when the page does not load', async () => {
  if (browser === undefined) return;
  const opening = launchVolunteers({ browser, url: `${url}missing`, count: 1, signal: new AbortController().signal });
  await expect(opening).rejects.toMatchObject({ code: 'page-unreachable', message: expect.stringMatching(/missing#volunteer=1&engine=auto did not load: HTTP status 404/) });
});

it.runIf(process.platform !== 'win32')('leaves no process behind when the program is ended by SIGTERM or SIGKILL', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'ciro-volunteers-'));
  const program = `
    import { launchVolunteers } from ${JSON.stringify(join(import.meta.dirname, 'launch-volunteers.ts'))};
    const volunteers = await launchVolunteers({ browser: ${JSON.stringify(browser)}, url: ${JSON.stringify(url)}, count: 2, engine: 'wasm', signal: new AbortController().signal });
    const session = await volunteers.pages[0].context().browser().newBrowserCDPSession();
    console.log(JSON.stringify((await session.send('SystemInfo.getProcessInfo')).processInfo.map(({ id }) => id)));`;
  const endedBy = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const env = { ...process.env, TMPDIR: temporary };
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'], env });
    const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const pids: number[] = JSON.parse(line);
    expect(pids.length).toBeGreaterThan(3);
    child.kill(signal);
    return gone(pids);
  };
  expect(await Promise.all([endedBy('SIGTERM'), endedBy('SIGKILL')])).toEqual([true, true]);
  await rm(temporary, { recursive: true, maxRetries: 5 });
});
