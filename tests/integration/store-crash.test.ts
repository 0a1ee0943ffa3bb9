import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { openPglite } from '@ciro/signaling/store/open-pglite.ts';
import { storeOf } from '@ciro/signaling/store/open-store.ts';
import { readyDatabase } from '../support/ready-database.ts';

let folder: string;
afterEach(() => rm(folder, { recursive: true, force: true }));

it('loses no acknowledged entry when the process is killed, and takes over the folder it left', async () => {
  folder = await readyDatabase(await mkdtemp(join(tmpdir(), 'ciro-crash-')));
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'support', 'killed-writer.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    acknowledged += text.split('\n').length - 1;
    if (acknowledged >= 20) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  expect(acknowledged).toBeGreaterThanOrEqual(20);

  const opened = await openPglite(folder, { onError: (error) => expect.unreachable(error.message) });
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
