import { afterAll, describe, expect, it } from 'vitest';
import { HOW_TO_HAVE_POSTGRES, openTestPostgres } from '@ciro/tests/support/test-database.ts';
import { openPostgres } from './open-postgres.ts';
import { openStore } from './open-store.ts';
import { describeStore } from './store-conformance.fixture.ts';

const postgres = await openTestPostgres('the store');
afterAll(() => postgres?.[Symbol.asyncDispose]());
const onError = (error: Error): void => expect.unreachable(error.message);
const withNewDatabase = () => postgres?.newDatabase() ?? expect.unreachable('there is no PostgreSQL');

describe.skipIf(postgres === undefined)(`PostgreSQL (to run it: ${HOW_TO_HAVE_POSTGRES})`, () => {
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
