import { createServer } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificate, chainFile, environment } from './config-checks.ts';
import { findingLines, ok, runChecks, warn } from './finding.ts';
import { clock, diskSpace, nodeVersion, port } from './machine-checks.ts';
import { browser, modelCache } from './software-checks.ts';
import { database } from './store-check.ts';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';

let folder: string;
let server: Server;
let told: string | undefined;
let body = '{}';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-doctor-'));
  server = createServer((_request, response) => {
    response.sendDate = false;
    response.writeHead(200, told === undefined ? {} : { date: told }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});
const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const statesOf = async (bytes: readonly number[]): Promise<string[]> => (await Promise.all(bytes.map((free) => diskSpace(folder, async () => free)))).map(({ state }) => state);

it('an error of a check is its finding; the others are made all the same, in order', async () => {
  const findings = await runChecks([{ name: 'a', look: () => ok('fine') }, { name: 'bb', look: () => Promise.reject(new Error('broken\nin two lines')) }, { name: 'c', look: () => warn('less', 'do this') }]);
  expect(findings.map(({ state }) => state)).toEqual(['ok', 'fail', 'warn']);
  const lines = findingLines(findings).split('\n');
  expect(lines[0]).toBe('ok      a   fine');
  expect(lines[1]).toBe('FAIL    bb  broken in two lines');
  expect(lines.at(-1)).toContain('→ do this');
});

it('versions and space are weighed against what is needed', async () => {
  expect([nodeVersion('24.21.0').state, nodeVersion('26.0.0').state, nodeVersion('22.9.0').state]).toEqual(['ok', 'ok', 'fail']);
  expect(await statesOf([5e9, 1e9, 1e8])).toEqual(['ok', 'warn', 'fail']);
  // Of a folder that is not there yet the one above is asked.
  const asked: string[] = [];
  await diskSpace(join(folder, 'not', 'yet'), async (existing) => {
    asked.push(existing);
    return 5e9;
  });
  expect(asked).toEqual([folder]);
});

it('a port is free, another program’s, or a coordinator’s', async () => {
  const taken = (server.address() as AddressInfo).port;
  expect(await port(taken)).toMatchObject({ state: 'fail', fix: expect.stringContaining('PORT') });
  body = '{"network":"ciro-1"}';
  expect(await port(taken)).toMatchObject({ state: 'ok', found: expect.stringContaining('a coordinator answers') });
  expect((await port(0)).state).toBe('ok');
});

it('the clock is compared to the second, and skipped where nobody tells the time', async () => {
  const second = 1_700_000_000_000;
  told = new Date(second).toUTCString();
  const states = await Promise.all([second + 500, second + 9_000, second + 60_000, second - 60_000, second + 600_000].map(async (now) => (await clock(url(), () => now)).state));
  expect(states).toEqual(['ok', 'ok', 'warn', 'warn', 'fail']);
  expect((await clock(url(), () => second + 60_000)).found).toContain('ahead');
  told = undefined;
  expect((await clock(url(), () => second)).state).toBe('skipped');
});

it('a browser that was named has to be there; without one people open the page themselves', () => {
  expect(browser({ CIRO_BROWSER: '/nowhere' }, undefined).state).toBe('fail');
  expect(browser({ CIRO_BROWSER: 'none' }, undefined).state).toBe('ok');
  expect(browser({}, undefined)).toMatchObject({ state: 'warn', fix: expect.stringContaining('CIRO_BROWSER') });
  expect(browser({}, { path: '/usr/bin/chromium', version: 'Chromium 156' }).found).toBe('Chromium 156 at /usr/bin/chromium');
});

it('a model file that is missing is fetched later, one that is another is named', async () => {
  const missing = await modelCache(folder);
  expect(missing.state).toBe('warn');
  const path = /put it at (\S+)$/.exec(missing.fix ?? '')?.[1] ?? '';
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, 'not the model');
  expect(await modelCache(folder)).toMatchObject({ state: 'fail', found: expect.stringContaining(path) });
});

it('settings are read as a start reads them', async () => {
  expect(environment({}).state).toBe('ok');
  expect(environment({ PUBLIC_URL: 'http://ciro.example.org' })).toMatchObject({ state: 'warn', found: expect.stringContaining('HTTPS') });
  expect(environment({ PUBLIC_URL: 'https://ciro.example.org' })).toMatchObject({ state: 'warn', found: expect.stringContaining('TURN') });
  expect(environment({ CIRO_METRICS_TOKEN: 'short' }).state).toBe('warn');
  expect(environment({ CIRO_TLS_CERT: 'cert.pem' }).state).toBe('fail');
  const refused = await runChecks([{ CIRO_AUDIT_RATE: '7' }, { PUBLIC_URL: 'nothing' }, { CIRO_TURN_URLS: 'turn:t.example' }].map((env) => ({ name: 'settings', look: () => environment(env) })));
  expect(refused.map(({ state }) => state)).toEqual(['fail', 'fail', 'fail']);
  expect((await certificate({}, 0)).state).toBe('ok');
  await expect(certificate({ CIRO_TLS_CERT: join(folder, 'none.pem') }, 0)).rejects.toThrow('none.pem');
});

it('the chain is that of the first file that is there, or of the one that was named', async () => {
  const place = await mkdtemp(join(tmpdir(), 'ciro-doctor-chain-'));
  try {
    const files = [{ path: 'first.json' }, { path: 'second.json' }];
    expect(await chainFile(place, files, {})).toMatchObject({ state: 'ok', found: expect.stringContaining('no first.json or second.json') });
    const at = '0x1';
    const file = (network: string) => JSON.stringify({ network, rpc: 'http://chain.test:5050/rpc', chainId: 'SN_SEPOLIA', addresses: { CiroToken: at, CommitmentStore: at, CdcPool: at, JobManager: at, DisputeCourt: at, Paymaster: at }, classHashes: { CommitmentStore: at }, tokens: { stake: at }, roles: { settler: at, relayer: at, coordinator: at } });
    await writeFile(join(place, 'second.json'), file('devnet'));
    expect(await chainFile(place, files, {})).toMatchObject({ state: 'ok', found: 'devnet at chain.test:5050 (second.json)' });
    await writeFile(join(place, 'third.json'), file('sepolia'));
    expect(await chainFile(place, files, { CIRO_CHAIN_FILE: join(place, 'third.json') })).toMatchObject({ state: 'ok', found: expect.stringContaining('sepolia at') });
    expect(await chainFile(place, files, { CIRO_CHAIN_FILE: join(place, 'fourth.json') })).toMatchObject({ state: 'fail' });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

it('a database that is not there is made by the first start; one that cannot be reached is named without its password', async () => {
  const place = { dataDir: join(folder, 'data'), onError: (error: Error) => expect.unreachable(error.message) };
  expect((await database(place)).found).toContain('the first start makes it');
  const [found] = await runChecks([{ name: 'database', look: () => database({ ...place, databaseUrl: 'postgres://ciro:secret@127.0.0.1:1/ciro' }) }]);
  expect(found).toMatchObject({ state: 'fail', found: expect.stringContaining('127.0.0.1:1/ciro') });
  expect(found?.found).not.toContain('secret');
});
