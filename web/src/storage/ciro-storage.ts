import { CiroDatabase } from './ciro-database.ts';
import { dexieChatStore, type ChatStore } from './dexie-chat-store.ts';
import { dexieKeyStore } from './dexie-key-store.ts';
import { dexieSettings, type Settings } from './dexie-settings.ts';
import { dexieWatchStore } from './dexie-watch-store.ts';
import { dexieWorkStore } from './dexie-work-store.ts';
import type { WatchStore } from '../participant/watch-store.ts';
import type { WorkStore } from '../participant/work-store.ts';
import type { KeyStore } from '../wallet/key-store.ts';

/** Everything that Ciro keeps in this browser, by what it is for. */
export interface CiroStorage {
  readonly keys: KeyStore;
  readonly work: WorkStore & WatchStore;
  readonly settings: Settings;
  readonly chats: ChatStore;
}

/** The page's one database, opened at its first use. */
export function openStorage(): CiroStorage {
  const database = new CiroDatabase();
  return { keys: dexieKeyStore(database), work: { ...dexieWorkStore(database), ...dexieWatchStore(database) }, settings: dexieSettings(database), chats: dexieChatStore(database) };
}
