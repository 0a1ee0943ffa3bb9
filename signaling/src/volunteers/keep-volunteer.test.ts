import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findBrowser } from './find-browser.ts';
import { keepVolunteer } from './keep-volunteer.ts';
import type { AddressInfo } from 'node:net';
import type { Browser } from './browser.ts';

/** Says as its state how it was opened, and how often in this profile. */
const PAGE = `<!doctype html><title>volunteer</title><link rel="icon" href="data:,"><script>
const visits = localStorage.visits = Number(localStorage.visits ?? 0) + 1;
globalThis.ciro = { status: () => ({ state: { kind: visits + ' ' + location.hash } }) };
</script>`;

const server = createServer((request, response) => void response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html' }).end(PAGE));
let browser: Browser | undefined;
let root: string;
let url: string;
beforeAll(async () => {
  browser = await findBrowser();
  root = await mkdtemp(join(tmpdir(), 'ciro-kept-volunteer-'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
beforeEach((test) => {
  if (browser === undefined) test.skip('no browser: set CIRO_BROWSER');
});
afterAll(async () => {
  server.close();
  await rm(root, { recursive: true, force: true });
});

/** Runs one until it told its first state. */
async function firstState(address: string): Promise<string> {
  if (browser === undefined) throw new Error('The test should have been skipped.');
  const stop = new AbortController();
  let told = '';
  const onState = (state: string): void => {
    told = state;
    stop.abort();
  };
  await keepVolunteer({ browser, url: address, engine: 'wasm', memoryBytes: 700_000_000, relayOnly: true, profile: join(root, 'profile'), onState, signal: stop.signal });
  return told;
}

it('is the same worker at the next start: its profile is kept, and its page is told what it may take', async () => {
  const hash = '#volunteer=1&engine=wasm&relay=only&memory=700000000';
  expect(await firstState(url)).toBe(`1 ${hash}`);
  expect(await firstState(url)).toBe(`2 ${hash}`);
});

it('says that a page is not there, and ends', async () => {
  await expect(firstState(`${url}missing`)).rejects.toMatchObject({ code: 'page-unreachable', message: expect.stringContaining('404') });
});
