import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { tidy } from './housekeeping.ts';
import { openMemoryPglite } from './open-pglite.ts';
import { openStore } from './open-store.ts';
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
