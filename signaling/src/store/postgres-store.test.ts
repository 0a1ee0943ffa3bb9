import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { startPostgres } from '@ciro/tests/support/postgres-server.ts';
import { openPostgres } from './open-postgres.ts';
import { openStore } from './open-store.ts';
import { describeStore } from './store-conformance.fixture.ts';

/** A server and a user that may create databases: one that is named, else one of this file's own where its programs are installed. */
const named = process.env['CIRO_TEST_DATABASE_URL'];
const own = named === undefined ? await startPostgres() : undefined;
const adminUrl = own !== undefined && 'url' in own ? own.url : named;
if (own !== undefined && 'missing' in own) process.stderr.write(`SKIPPED: the store on PostgreSQL: ${own.missing}, or name one: CIRO_TEST_DATABASE_URL=postgres://USER:PASSWORD@HOST/postgres\n`);
afterAll(async () => {
  if (own !== undefined && 'url' in own) await own[Symbol.asyncDispose]();
});
const onError = (error: Error): void => expect.unreachable(error.message);

async function withNewDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const url = new URL(adminUrl ?? '');
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  const name = `ciro_test_${randomBytes(6).toString('hex')}`;
  await admin.query(`create database ${name}`);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await admin.query(`drop database ${name}`);
      await admin.end();
    },
  };
}

describe.skipIf(adminUrl === undefined)('PostgreSQL (to run it: apt-get install postgresql, or CIRO_TEST_DATABASE_URL)', () => {
  describeStore('PostgreSQL', async () => {
    const { url, drop } = await withNewDatabase();
    const opened = await openPostgres(url, { onError });
    return {
      db: opened.db,
      close: async () => {
        await opened.close();
        await drop();
      },
    };
  });

  it('one coordinator owns a database: the second is refused, without showing the password', async () => {
    const { url, drop } = await withNewDatabase();
    const first = await openStore({ dataDir: '', databaseUrl: url, onError });
    const second = openStore({ dataDir: '', databaseUrl: url, onError });
    await expect(second).rejects.toMatchObject({ code: 'locked', message: expect.not.stringContaining(new URL(url).password || '@') });
    await first.close();
    await (await openStore({ dataDir: '', databaseUrl: url, onError })).close();
    await drop();
  });
});

it('an unreachable PostgreSQL is named by host, never with its password', async () => {
  const opening = openStore({ dataDir: '', databaseUrl: 'postgres://ciro:secret@127.0.0.1:1/ciro', onError });
  await expect(opening).rejects.toMatchObject({ code: 'unavailable', message: 'PostgreSQL at 127.0.0.1:1/ciro cannot be reached; check DATABASE_URL and that the server runs' });
});
