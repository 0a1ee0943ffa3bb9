import { createServer } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { headOf, linksOf } from '@ciro/core/ledger/head.ts';
import { SettledNetwork } from '../settlement/settled-network.fixture.ts';
import { UsageError } from './job-options.ts';
import { verifyEpochOf, verifyLedgerOf } from './verify-settlement.ts';
import type { AddressInfo } from 'node:net';

const { signal } = new AbortController();
/** Links that this coordinator gives at a time. */
const PAGE = 5;
const network = new SettledNetwork();
/** What is answered under each path; a test may add to it. */
const answers = new Map<string, unknown>();
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://here');
  const { entries } = network.ledgerStore;
  const last = entries.at(-1);
  if (url.pathname === '/v1/ledger/head' && last !== undefined) return response.end(JSON.stringify({ body: headOf('ciro-test', last, 5), signature: '7'.repeat(128) }));
  if (url.pathname === '/v1/ledger/links') {
    const from = Number(url.searchParams.get('from') ?? -1) + 1;
    return response.end(JSON.stringify({ object: 'list', data: linksOf(entries.slice(from, from + PAGE)) }));
  }
  if (!answers.has(url.pathname)) return response.writeHead(404).end('{}');
  const answer = answers.get(url.pathname);
  return response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
});
let folder: string;
const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-verify-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  network.sees(0, { jobs: 3 });
  await network.earn(10, 20);
  await network.run(6);
  await network.earn(5, 0, 9);
  network.clock.advance(60_000);
  await network.run(6);
  for (const number of [1, 2]) answers.set(`/v1/epochs/${number}`, await network.settlement.epoch(number));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

it('X4, X5: an epoch is verified from an address or a file, alone and against the one before it', async () => {
  const report = await verifyEpochOf({ what: 'epoch', source: `${base()}/v1/epochs/2`, before: `${base()}/v1/epochs/1` }, signal);
  expect(report).toMatchObject({ verdict: 'verified', first: null });
  const file = join(folder, 'epoch.json');
  await writeFile(file, JSON.stringify({ ...(await network.settlement.epoch(2)), total: '1' }));
  expect((await verifyEpochOf({ what: 'epoch', source: file }, signal)).first?.at).toBe('total');
  expect((await verifyEpochOf({ what: 'epoch', source: `${base()}/v1/epochs/1`, before: `${base()}/v1/epochs/2` }, signal)).first?.at).toBe('before.epoch');
});

it('X11: what workers did is checked with the epoch that it was published with, and with no other', async () => {
  answers.set('/v1/epochs/1/performance', await network.settlement.performance(1));
  const performance = `${base()}/v1/epochs/1/performance`;
  const other = await verifyEpochOf({ what: 'epoch', source: `${base()}/v1/epochs/2`, performance }, signal);
  expect(other).toMatchObject({ verdict: 'failed', first: { at: 'performance.epoch' } });
  const own = await verifyEpochOf({ what: 'epoch', source: `${base()}/v1/epochs/1`, performance }, signal);
  expect(own.verdict).toBe('verified');
  expect(own.checks.find(({ name }) => name === 'performance')).toMatchObject({ state: 'ok' });
});

it('X4: an epoch names the entry of the ledger that it was read up to, which lies on the chain of links; a ledger of another history has none such', async () => {
  const save = join(folder, 'head.json');
  await verifyLedgerOf({ what: 'ledger', source: `${base()}/`, save }, signal);
  const options = { what: 'epoch', source: `${base()}/v1/epochs/2`, before: `${base()}/v1/epochs/1` } as const;
  for (const ledger of [save, base()]) {
    const report = await verifyEpochOf({ ...options, ledger }, signal);
    expect(report.checks.find(({ name }) => name === 'ledger head')).toMatchObject({ state: 'ok' });
    expect(report.verdict).toBe('verified');
  }
  const other = new SettledNetwork();
  await other.earn(10, 21);
  await other.run(12);
  const { entries } = other.ledgerStore;
  const forged = join(folder, 'forged.json');
  const last = entries.at(-1);
  if (last === undefined) throw new Error('an empty ledger');
  await writeFile(forged, JSON.stringify({ object: 'ledger', heads: [{ body: headOf('ciro-test', last, 5), signature: '7'.repeat(128) }], links: linksOf(entries) }));
  const report = await verifyEpochOf({ what: 'epoch', source: `${base()}/v1/epochs/1`, ledger: forged }, signal);
  expect(report).toMatchObject({ verdict: 'failed', first: { at: 'ledger.hash' } });
});

it('B1, B2: a ledger is read page by page, saved, and verified from the file without its coordinator', async () => {
  const save = join(folder, 'ledger.json');
  expect(network.ledgerStore.entries.length).toBeGreaterThan(2 * PAGE);
  expect(await verifyLedgerOf({ what: 'ledger', source: `${base()}/`, save }, signal)).toMatchObject({ verdict: 'verified' });
  expect(await verifyLedgerOf({ what: 'ledger', source: save }, signal)).toMatchObject({ verdict: 'verified' });
  const kept = JSON.parse(await readFile(save, 'utf8'));
  kept.links[3].content = 'f'.repeat(64);
  await writeFile(save, JSON.stringify(kept));
  expect((await verifyLedgerOf({ what: 'ledger', source: save }, signal)).first?.at).toBe('links[3]');
});

it.each([
  ['no such file', () => join(folder, 'none.json')],
  ['an address that answers 404', () => `${base()}/v1/epochs/77`],
  ['an address that nobody listens at', () => 'http://127.0.0.1:1/v1/epochs/1'],
  ['no JSON', () => {
    answers.set('/text', '{"a":');
    return `${base()}/text`;
  }],
])('%s is wrong usage, and says what could not be read', async (_what, source) => {
  await expect(verifyEpochOf({ what: 'epoch', source: source() }, signal)).rejects.toThrow(UsageError);
  await expect(verifyEpochOf({ what: 'epoch', source: source() }, signal)).rejects.toThrow(`${source()} cannot be read`);
});
