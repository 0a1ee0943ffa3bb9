import { Dexie } from 'dexie';
import type { Table } from 'dexie';

/** One shard that this browser keeps. */
export interface ShardRecord {
  /** SHA-256 of its bytes: the key, here and in Cache Storage. */
  readonly hash: string;
  readonly modelId: string;
  readonly name: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly lastUsed: number;
}

/** What is kept, for people to look at and for eviction. The bytes themselves lie in Cache Storage. */
export interface ShardIndex {
  /** Notes a shard that was stored or used. */
  put(record: ShardRecord): Promise<void>;
  remove(hash: string): Promise<void>;
  list(): Promise<ShardRecord[]>;
}

/** The index in IndexedDB. */
export class DexieShardIndex implements ShardIndex {
  readonly #shards: Table<ShardRecord, string>;

  constructor(name = 'ciro-shards') {
    const database = new Dexie(name);
    database.version(1).stores({ shards: 'hash, modelId, lastUsed' });
    this.#shards = database.table('shards');
  }

  async put(record: ShardRecord): Promise<void> {
    await this.#shards.put(record);
  }

  async remove(hash: string): Promise<void> {
    await this.#shards.delete(hash);
  }

  list(): Promise<ShardRecord[]> {
    return this.#shards.orderBy('lastUsed').toArray();
  }
}

/** Records to drop, least recently used first, until the rest fits `capBytes`. `keep` is never dropped. */
export function evictable(records: readonly ShardRecord[], capBytes: number, keep: string): ShardRecord[] {
  let held = records.reduce((sum, { bytes }) => sum + bytes, 0);
  const dropped: ShardRecord[] = [];
  for (const record of [...records].sort((a, b) => a.lastUsed - b.lastUsed || (a.hash < b.hash ? -1 : 1))) {
    if (held <= capBytes) break;
    if (record.hash === keep) continue;
    dropped.push(record);
    held -= record.bytes;
  }
  return dropped;
}
