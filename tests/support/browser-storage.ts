import type { Page } from 'playwright-core';

/** Everything that a page's origin keeps in IndexedDB, local and session storage, as JSON: bytes in hex, keys by what may be done with them. */
export async function dumpStorage(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const readable = (_name: string, value: unknown): unknown => {
      if (value instanceof CryptoKey) return { key: value.algorithm.name, extractable: value.extractable };
      if (value instanceof ArrayBuffer) return Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, '0')).join('');
      if (ArrayBuffer.isView(value)) return Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), (byte) => byte.toString(16).padStart(2, '0')).join('');
      return typeof value === 'bigint' ? value.toString(16) : value;
    };
    const done = <Value>(request: IDBRequest<Value>): Promise<Value> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('a request of IndexedDB failed'));
      });
    const kept: unknown[] = [{ ...localStorage }, { ...sessionStorage }];
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name ?? ''));
      for (const store of database.objectStoreNames) kept.push({ name, store, rows: await done(database.transaction(store).objectStore(store).getAll()) });
      database.close();
    }
    return JSON.stringify(kept, readable);
  });
}
