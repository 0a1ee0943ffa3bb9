import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, expect, it } from 'vitest';
import { sealEntry } from '@ciro/core/ledger/entry.ts';
import { tidy } from './housekeeping.ts';
import { openMemoryPglite, openPglite } from './open-pglite.ts';
import { openStore, storeOf } from './open-store.ts';
import { describeStore } from './store-conformance.fixture.ts';

const memory = await openMemoryPglite();
afterAll(() => memory.close());

describeStore('PGlite', async () => ({ db: memory.db, close: () => Promise.resolve() }));

it('housekeeping runs on the tables as they are', async () => {
  await expect(tidy(memory.db)).resolves.toBeUndefined();
});

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-store-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

const open = (dataDir: string) => openStore({ dataDir, onError: (error) => expect.unreachable(error.message) });

it('one process owns a data folder: a second opening names the process that has it', async () => {
  const folder = await newFolder();
  const lock = join(folder, 'coordinator.pid');
  await writeFile(lock, String(process.ppid));
  await expect(open(folder)).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining(`in use by process ${process.ppid}`) });
  expect(await readFile(lock, 'utf8')).toBe(String(process.ppid));
});

/** Making a database takes 2 s on two cores, and ten times that on cores that others use. */
const MAKE_TIMEOUT_MS = 120_000;
const threaded = async (): Promise<{ db: Awaited<ReturnType<typeof openPglite>>['db']; close: () => Promise<void> }> => openPglite(await newFolder(), { onError: (error) => expect.unreachable(error.message) });

it('in its thread: a transaction is whole or not there, an error keeps its code, and a closed database says so', { timeout: MAKE_TIMEOUT_MS }, async () => {
  const opened = await threaded();
  const store = await storeOf(opened);
  const failing = store.ledger.exclusive(async ({ end, append }) => {
    await append(sealEntry({ kind: 'issue', key: 'issue', job: null, at: 1_000, lines: [{ account: 'issued', amount: -5n }, { account: 'pool', amount: 5n }] }, end.sequence, end.hash));
    throw new Error('no more');
  });
  await expect(failing).rejects.toThrow('no more');
  expect(await store.ledger.end()).toMatchObject({ sequence: 0 });
  await expect(sql`select * from nowhere`.execute(opened.db)).rejects.toMatchObject({ code: '42P01' });
  await Promise.all([1, 2, 3].map((n) => sql`select ${n}::int as n`.execute(opened.db).then(({ rows }) => expect(rows).toEqual([{ n }]))));
  await opened.close();
  await expect(sql`select 1`.execute(opened.db)).rejects.toThrow(/destroyed|closed/);
});

it('in its thread: a folder that holds no database is refused with what the database said, and is free again', async () => {
  const folder = await newFolder();
  await mkdir(join(folder, 'pglite'));
  await writeFile(join(folder, 'pglite', 'PG_VERSION'), '3');
  await expect(openPglite(folder, { onError: () => undefined })).rejects.toMatchObject({ code: 'unavailable', cause: expect.any(Error) });
  await expect(readFile(join(folder, 'coordinator.pid'), 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
});
