import type { CiroDatabase, StoredChat } from './ciro-database.ts';

/** Conversations kept, the longest untouched dropped first. */
const MAX_CHATS = 200;

/** Conversations in this browser. All calls reject when the browser refuses storage. */
export interface ChatStore {
  /** Newest first. */
  list(): Promise<StoredChat[]>;
  keep(chat: StoredChat): Promise<void>;
  remove(id: string): Promise<void>;
}

export const dexieChatStore = (database: CiroDatabase): ChatStore => ({
  list: () => database.chats.orderBy('changedAt').reverse().limit(MAX_CHATS).toArray(),
  keep: (chat) =>
    database.transaction('rw', database.chats, async () => {
      await database.chats.put(chat);
      const surplus = (await database.chats.count()) - MAX_CHATS;
      if (surplus > 0) await database.chats.orderBy('changedAt').limit(surplus).delete();
    }),
  remove: (id) => database.chats.delete(id),
});
