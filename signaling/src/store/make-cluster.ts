/**
 * Program: makes an empty PGlite database in the folder named by its argument, every file of it on disk. A process of its own,
 * because making one holds two PostgreSQLs in memory (550 MB) that the coordinator would keep until the next collection.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openCluster } from './open-cluster.ts';

const folder = process.argv[2];
if (folder === undefined) throw new TypeError('usage: node make-cluster.ts FOLDER');
await (await openCluster(folder)).close();
// Copied in by PGlite without a sync; PostgreSQL itself will only ever sync what it changes.
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = await open(join(entry.parentPath, entry.name), 'r');
  await file.sync();
  await file.close();
}
