const MIB = 1024 * 1024;

/** Largest shard that is fetched: the embedding of a 262,144-token vocabulary at 4,096 channels in 8 bits is 1.1 GB. */
export const MAX_SHARD_BYTES = 1_280 * MIB;

/** Largest manifest: the calibration of 128 boundaries of 16,384 channels is 5.6 MB of base64. */
export const MAX_MANIFEST_BYTES = 16 * MIB;

/** Bytes of shards that Cache Storage may hold; the least recently used are dropped beyond it. Two models of 1 GB. */
export const SHARD_CACHE_BYTES = 2_048 * MIB;

/** Bytes of shards kept in memory because the browser would not store them: ten quantised layers of the default model are 23 MB. */
export const UNCACHED_BYTES = 64 * MIB;
