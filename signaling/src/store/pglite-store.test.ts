import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import { Ledger } from '../ledger/ledger.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { openMemoryPglite, openPglite } from './open-pglite.ts';
import { openStore, storeOf } from './open-store.ts';
import { describeStore } from './store-conformance.fixture.ts';

describeStore('PGlite', async () => storeOf(await openMemoryPglite()));

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

it('loses no acknowledged entry when the process is killed, and takes over the folder it left', async () => {
  const folder = await newFolder();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'killed-writer.fixture.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    acknowledged += text.split('\n').length - 1;
    if (acknowledged >= 20) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  expect(acknowledged).toBeGreaterThanOrEqual(20);

  const opened = await openPglite(folder);
  const { rows } = await sql<{ name: string; setting: string }>`select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name`.execute(opened.db);
  expect(rows.map(({ name, setting }) => `${name} ${setting}`)).toEqual(['fsync on', 'full_page_writes on', 'synchronous_commit on']);
  const store = await storeOf(opened);
  const head = await verifyChain(store.ledger);
  // One entry may have been stored without its acknowledgement reaching us; none may be missing.
  expect(head.sequence - 2).toBeGreaterThanOrEqual(acknowledged);
  const ledger = new Ledger(store.ledger, { now: Date.now });
  await ledger.start();
  expect(await ledger.openHolds()).toHaveLength(head.sequence - 2);
  await store.close();
});
