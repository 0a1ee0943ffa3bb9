import { PGlite } from '@electric-sql/pglite';
import { DurableNodeFs } from './durable-node-fs.ts';
import { withoutTierUp } from './without-tier-up.ts';

/** PostgreSQL object ids of the types whose default reading we replace. */
const INT8 = 20;
const NUMERIC = 1700;
export const COLUMN_PARSERS = { [INT8]: Number, [NUMERIC]: BigInt };

/**
 * One connection serves one process, and the tables that matter fit in a few MB: with the default of 128 MB of buffers the
 * process is 150 MB larger. `wal_sync_method`: PGlite's fdatasync does nothing, its fsync reaches the disk.
 */
const SETTINGS = ['shared_buffers=8MB', 'max_connections=5', 'max_wal_size=64MB', 'min_wal_size=32MB', 'wal_sync_method=fsync'].flatMap((setting) => ['-c', setting]);

/** Opens the PGlite database in `folder`, making it when there is none; commits are on disk when they return. */
export function openCluster(folder: string): Promise<PGlite> {
  // `-F` switches fsync off; a folder is to survive a power cut.
  const parameters = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F');
  return create({ fs: new DurableNodeFs(folder), startParams: [...parameters, ...SETTINGS] });
}

/** A PGlite database in memory: for tests, nothing is kept. */
export const openMemoryCluster = (): Promise<PGlite> => create({ startParams: [...PGlite.defaultStartParams, ...SETTINGS] });

const create = (options: ConstructorParameters<typeof PGlite>[0] & object): Promise<PGlite> =>
  withoutTierUp(async () => {
    const pglite = await PGlite.create({ parsers: COLUMN_PARSERS, ...options });
    // Compiles the interpreter, the one function that must not be optimised, while tier-up is off.
    await pglite.query('select sum(n) from generate_series(1, 10) as n where n > 1');
    return pglite;
  });
