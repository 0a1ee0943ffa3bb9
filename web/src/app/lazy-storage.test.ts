import { describe, expect, it } from 'vitest';
import { lazyStorage } from './lazy-storage.ts';
import type { CiroStorage } from '../storage/ciro-storage.ts';

function storageOf(values: Map<string, unknown>): CiroStorage {
  const none = () => Promise.reject(new Error('not part of this test'));
  return {
    work: { keepReceipt: none, keepWork: none, keepCredit: none, recent: none, keepAlarm: none, alarms: none, keepHead: none, head: none, keepPayout: none, payouts: none },
    settings: { read: (name) => Promise.resolve(values.get(name)), keep: (name, value) => Promise.resolve(void values.set(name, value)) },
    chats: { list: () => Promise.resolve([]), keep: none, remove: none },
  };
}

describe('lazyStorage', () => {
  it('fetches its code at the first use, once', async () => {
    let fetched = 0;
    const storage = lazyStorage(() => Promise.resolve({ openStorage: () => (fetched++, storageOf(new Map())) }));
    expect(fetched).toBe(0);
    await Promise.all([storage.settings.keep('a', 1), storage.settings.read('a'), storage.chats.list()]);
    expect(await storage.settings.read('a')).toBe(1);
    expect(fetched).toBe(1);
  });

  it('rejects like a refused storage when the code cannot be fetched, and tries again the next time', async () => {
    let online = false;
    const storage = lazyStorage(() => (online ? Promise.resolve({ openStorage: () => storageOf(new Map()) }) : Promise.reject(new TypeError('Failed to fetch'))));
    await expect(storage.settings.read('a')).rejects.toThrow('Failed to fetch');
    online = true;
    expect(await storage.settings.read('a')).toBeUndefined();
  });
});
