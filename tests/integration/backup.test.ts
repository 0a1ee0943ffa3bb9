import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { database } from '@ciro/signaling/doctor/store-check.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { makeRecord } from '@ciro/signaling/evidence/job-record.fixture.ts';
import { MIGRATION_NAMES } from '@ciro/signaling/store/migrate.ts';
import { checkBackup } from '@ciro/signaling/store/read-backup.ts';
import { backUp, restore } from '@ciro/signaling/store/restore.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import { readyDatabase } from '../support/ready-database.ts';
import { HOW_TO_HAVE_POSTGRES, openTestPostgres } from '../support/test-database.ts';
import type { Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { Place } from '@ciro/signaling/store/restore.ts';

const NOW = 1_700_000_000_000;
const JOB = 'ab'.repeat(16) as JobId;
const KEY_TEXT = '{"kty":"EC"}';
const onError = (error: Error): void => expect.unreachable(error.message);

let root: string;
let file: string;
let original: Place;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ciro-backup-'));
  original = { dataDir: await readyDatabase(join(root, 'original')), onError };
  await fill(original);
  await writeFile(join(original.dataDir, 'coordinator-key.json'), KEY_TEXT);
  file = join(root, 'whole.backup');
  await backUp(original, file, { now: NOW });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const transcript = (stage: number): Transcript => ({ job: JOB, stage }) as Transcript;

/** Some of everything that a value can be: amounts beyond 2^53, null, JSON, text with line feeds and quotes, bytes, rows that the database numbers. */
async function fill(place: Place): Promise<void> {
  const store = await openStore(place);
  const ledger = new Ledger(store.ledger, { now: () => NOW });
  await ledger.start();
  await ledger.openTrial('ada');
  await ledger.hold(JOB, 'ada', 12_345_678_901_234_567n);
  await store.accounts.addKey({ id: 'ab'.repeat(8), hash: 'cd'.repeat(32), account: 'ada', name: 'app', shown: 'ciro-sk-abcd', scopes: ['ask'], budget: { total: 10n ** 21n, daily: null }, createdAt: NOW, expiresAt: null, revokedAt: null, usedOn: null });
  await store.jobs.open({ job: JOB, account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: NOW, assurance: 'stream', corrects: null, continues: null });
  await store.jobs.record(JOB, makeRecord({ job: JOB }), 'two\nlines, "quotes", \\ and ü');
  await store.audits.savePiece('ef'.repeat(32) as HexHash, JOB, Uint8Array.of(0, 255, 92, 39), NOW);
  await store.audits.saveTranscript(transcript(0));
  await store.close();
}

const linesOf = async (path: string): Promise<string[]> => gunzipSync(await readFile(path)).toString().trimEnd().split('\n');
/** Tables and rows, in any order. */
const contentOf = async (path: string): Promise<string[]> => (await linesOf(path)).slice(1, -1).sort();

/** A copy with other lines and the end that belongs to them. */
async function copyWith(change: (lines: string[]) => string[]): Promise<string> {
  const lines = change((await linesOf(file)).slice(0, -1));
  const end = JSON.parse((await linesOf(file)).at(-1) ?? '') as { end: object };
  const sha256 = createHash('sha256').update(lines.map((line) => `${line}\n`).join('')).digest('hex');
  const path = join(root, `${randomBytes(6).toString('hex')}.backup`);
  await writeFile(path, gzipSync([...lines, JSON.stringify({ ...end, sha256 })].join('\n')));
  return path;
}

async function bytesOf(change: (bytes: Buffer) => Buffer): Promise<string> {
  const path = join(root, `${randomBytes(6).toString('hex')}.backup`);
  await writeFile(path, change(await readFile(file)));
  return path;
}

it('a backup is restored to the same rows, the same ledger and the same key, and the database numbers on behind them', async () => {
  const place = { dataDir: join(root, 'restored'), onError };
  expect((await restore(place, file, { now: NOW })).createdAt).toBe(NOW);
  const again = join(root, 'again.backup');
  await backUp(place, again, { now: NOW });
  expect(await contentOf(again)).toEqual(await contentOf(file));
  expect((await checkBackup(again)).ledger).toEqual((await checkBackup(file)).ledger);
  for (const path of [again, join(place.dataDir, 'coordinator-key.json')]) expect((await stat(path)).mode & 0o777, path).toBe(0o600);
  expect(await readFile(join(place.dataDir, 'coordinator-key.json'), 'utf8')).toBe(KEY_TEXT);

  const store = await openStore(place);
  await store.audits.saveTranscript(transcript(1));
  expect(await store.audits.transcriptsOf(JOB)).toHaveLength(2);
  expect(await store.jobs.find(JOB)).toMatchObject({ state: 'recorded', text: 'two\nlines, "quotes", \\ and ü' });
  expect([...(await store.audits.pieces(JOB)).values()].map((bytes) => [...bytes])).toEqual([[0, 255, 92, 39]]);
  await store.close();
});

describe('a file that is not what was written is refused, and changes nothing', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['cut off', () => bytesOf((bytes) => bytes.subarray(0, bytes.length - 40)), 'damaged-backup'],
    ['a bit turned', () => bytesOf((bytes) => Buffer.concat([bytes.subarray(0, 600), Buffer.of((bytes[600] ?? 0) ^ 4), bytes.subarray(601)])), 'damaged-backup'],
    ['no gzip at all', () => bytesOf(() => Buffer.from('hello')), 'damaged-backup'],
    ['without its end', () => bytesOf((bytes) => gzipSync(gunzipSync(bytes).toString().trimEnd().split('\n').slice(0, -1).join('\n'))), 'damaged-backup'],
    ['a row changed', () => bytesOf((bytes) => gzipSync(gunzipSync(bytes).toString().replace('"ada"', '"eve"'))), 'damaged-backup'],
    ['a row left out, the hash made again', () => copyWith((lines) => lines.filter((line) => !line.includes('two\\\\nlines') && !line.includes('two\\nlines'))), 'damaged-backup'],
    ['a table that never was', () => copyWith((lines) => [...lines, '{"table":"users","columns":["a"]}']), 'damaged-backup'],
    ['of a newer version', () => copyWith(([header = '', ...lines]) => [header.replace(/"(?=\],"ledger")/, '","9999-later"'), ...lines]), 'outdated'],
    // The hash is made again: only the ledger's own chain tells.
    ['a balance changed by who can make the hash again', () => copyWith((lines) => lines.map((line) => (line.includes('"hold:') && line.startsWith('["hold:') ? line.replace('12345678901234567', '12345678901234568') : line))), 'broken-chain'],
  ])('%s', async (_, make, code) => {
    const path = await make();
    const dataDir = join(root, randomBytes(6).toString('hex'));
    await expect(restore({ dataDir, onError }, path, { now: NOW })).rejects.toMatchObject({ code });
    expect(await readdir(dataDir).catch(() => [])).toEqual([]);
  });
});

it('goes over nothing that is there: not over a file, not over a database, not over another key; with `replace` all of it is moved aside', async () => {
  await expect(backUp(original, file, { now: NOW })).rejects.toMatchObject({ code: 'backup-exists' });
  await expect(restore(original, file, { now: NOW })).rejects.toMatchObject({ code: 'not-empty' });
  const other = { dataDir: join(root, 'restored'), onError };
  await writeFile(join(other.dataDir, 'coordinator-key.json'), 'another');
  await expect(restore(other, file, { now: NOW })).rejects.toMatchObject({ code: 'not-empty', message: expect.stringContaining('coordinator-key.json') });
  await restore(other, file, { now: NOW + 1, replace: true });
  expect((await readdir(other.dataDir)).sort()).toEqual(['coordinator-key.json', `coordinator-key.json.before-${NOW + 1}`, 'pglite', `pglite.before-${NOW + 1}`]);
  expect(await readFile(join(other.dataDir, `coordinator-key.json.before-${NOW + 1}`), 'utf8')).toBe('another');
});

it('the doctor finds the tables of this version, and changes nothing; a database in use is named, and so is one that is not there', async () => {
  expect(await database(original)).toEqual({ state: 'ok', found: `embedded, in ${original.dataDir}: tables of ${MIGRATION_NAMES.at(-1)}` });
  const lock = join(original.dataDir, 'coordinator.pid');
  // Of a process that lives, and is not this one.
  await writeFile(lock, String(process.ppid));
  expect((await database(original)).found).toContain(`in use by process ${process.ppid}`);
  await expect(backUp(original, join(root, 'busy.backup'), { now: NOW })).rejects.toMatchObject({ code: 'locked' });
  await rm(lock);
  await expect(backUp({ dataDir: join(root, 'nowhere'), onError }, join(root, 'no.backup'), { now: NOW })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('--data') });
  expect(existsSync(join(root, 'busy.backup.partial'))).toBe(false);
});

const postgres = await openTestPostgres('backups');
afterAll(() => postgres?.[Symbol.asyncDispose]());
describe.skipIf(postgres === undefined)(`PostgreSQL (to run it: ${HOW_TO_HAVE_POSTGRES})`, () => {
  it('an embedded database moves to PostgreSQL and back; a backup is taken while a coordinator holds it; what fails leaves it empty', async () => {
    const { url, drop } = (await postgres?.newDatabase()) ?? expect.unreachable('there is no PostgreSQL');
    const place = { dataDir: join(root, 'beside-postgres'), databaseUrl: url, onError };
    const broken = await copyWith((lines) => lines.map((line) => (line.startsWith('["hold:') ? line.replace('12345678901234567', '12345678901234568') : line)));
    await expect(restore(place, broken, { now: NOW })).rejects.toMatchObject({ code: 'broken-chain' });
    await restore(place, file, { now: NOW });
    await expect(restore(place, file, { now: NOW })).rejects.toMatchObject({ code: 'not-empty' });
    const store = await openStore(place);
    const live = join(root, 'live.backup');
    await backUp(place, live, { now: NOW });
    await store.close();
    expect(await contentOf(live)).toEqual(await contentOf(file));
    await restore({ dataDir: join(root, 'back'), onError }, live, { now: NOW });
    await drop();
  });
});
