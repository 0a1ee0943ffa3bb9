/**
 * Thread: holds the embedded database, whose queries and fsyncs are synchronous calls. In the coordinator's own thread they
 * held up every other job, and with 1,000 workers long enough for their connections to be given up (measured: 9 s).
 */
import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import { openCluster } from './open-cluster.ts';
import { CLOSE } from './pglite-messages.ts';
import type { PGlite } from '@electric-sql/pglite';
import type { PgliteAnswer, PgliteQuery } from './pglite-messages.ts';

const Data = v.strictObject({ folder: v.string() });
/** What PostgreSQL says of an error beside its message, as far as anybody reads it. */
const ERROR_FIELDS = ['code', 'detail', 'hint', 'schema', 'table', 'column', 'constraint', 'severity'] as const;

const port = parentPort;
if (port === null) throw new TypeError('pglite-thread.ts is started as a worker thread');
const answer = (message: PgliteAnswer): void => port.postMessage(message);

const cluster = await openCluster(v.parse(Data, workerData).folder).catch((error: unknown) => {
  answer({ say: 'unavailable', message: String(error) });
  return undefined;
});
if (cluster !== undefined) {
  port.on('message', (message: PgliteQuery | typeof CLOSE) => void (message === CLOSE ? close(cluster) : query(cluster, message)));
  answer({ say: 'open' });
}

async function query(pglite: PGlite, { id, sql, parameters }: PgliteQuery): Promise<void> {
  try {
    const { rows, affectedRows } = await pglite.query<object>(sql, [...parameters], { rowMode: 'object' });
    answer({ say: 'rows', id, result: { rows, affectedRows } });
  } catch (error) {
    const fields = Object.fromEntries(ERROR_FIELDS.flatMap((name) => (error instanceof Error && name in error ? [[name, (error as unknown as Record<string, unknown>)[name]]] : [])));
    answer({ say: 'failed', id, message: error instanceof Error ? error.message : String(error), fields });
  }
}

async function close(pglite: PGlite): Promise<void> {
  await pglite.close();
  answer({ say: 'closed' });
  port?.close();
}
