/** What `use` makes of a Cache Storage bucket. A cache that cannot be opened or read is an empty one: undefined, never an error. */
export async function guardedCache<Result>(storage: CacheStorage | undefined, name: string, use: (cache: Cache) => Promise<Result>): Promise<Result | undefined> {
  try {
    const cache = await storage?.open(name);
    return cache === undefined ? undefined : await use(cache);
  } catch {
    return undefined;
  }
}
