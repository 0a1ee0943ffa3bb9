import { CiroDatabase } from './ciro-database.ts';
import { dexieChatStore, type ChatStore } from './dexie-chat-store.ts';
import { dexiePayoutStore } from './dexie-payout-store.ts';
import { dexieSettings, type Settings } from './dexie-settings.ts';
import { dexieWatchStore } from './dexie-watch-store.ts';
import { dexieWorkStore } from './dexie-work-store.ts';
import type { WatchStore } from '../participant/watch-store.ts';
import type { WorkStore } from '../participant/work-store.ts';
import type { PayoutStore } from '../wallet/claim-ports.ts';

/** Everything that the page keeps in this browser, by what it is for; keys are the vault's. */
export interface CiroStorage {
  readonly work: WorkStore & WatchStore & PayoutStore;
  readonly settings: Settings;
  readonly chats: ChatStore;
}

/** The page's one database, opened at its first use. */
export function openStorage(): CiroStorage {
  const database = new CiroDatabase();
  return { work: { ...dexieWorkStore(database), ...dexieWatchStore(database), ...dexiePayoutStore(database) }, settings: dexieSettings(database), chats: dexieChatStore(database) };
}
