import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from './postgres-server.ts';

/** What a file's tests on PostgreSQL work with: a server, and a user that may create databases. */
export interface TestPostgres extends AsyncDisposable {
  /** An empty database, and what drops it again. */
  newDatabase(): Promise<{ readonly url: string; readonly drop: () => Promise<void> }>;
}

/** For the name of tests that need it: what to do where they are skipped. */
export const HOW_TO_HAVE_POSTGRES = 'apt-get install postgresql, or CIRO_TEST_DATABASE_URL';

/** The server that `CIRO_TEST_DATABASE_URL` names, else one of the caller's own where PostgreSQL is installed; undefined, and a line that says so, without both. */
export async function openTestPostgres(what: string): Promise<TestPostgres | undefined> {
  const named = process.env['CIRO_TEST_DATABASE_URL'];
  const own = named === undefined ? await startPostgres() : undefined;
  if (own !== undefined && 'missing' in own) {
    process.stderr.write(`SKIPPED: ${what} on PostgreSQL: ${own.missing}, or name one: CIRO_TEST_DATABASE_URL=postgres://USER:PASSWORD@HOST/postgres\n`);
    return undefined;
  }
  const url = own?.url ?? named ?? '';
  return {
    newDatabase: async () => {
      const admin = new pg.Client({ connectionString: url });
      await admin.connect();
      const name = `ciro_test_${randomBytes(6).toString('hex')}`;
      await admin.query(`create database ${name}`);
      const made = new URL(url);
      made.pathname = `/${name}`;
      return {
        url: made.href,
        drop: async () => {
          await admin.query(`drop database ${name}`);
          await admin.end();
        },
      };
    },
    [Symbol.asyncDispose]: async () => own?.[Symbol.asyncDispose](),
  };
}
