import type { ChatKeeping } from './chat/chat-session.ts';
import type { CiroStorage } from '../storage/ciro-storage.ts';

/** The browser's storage, whose code is fetched at its first use. A failed fetch counts as a refused storage, and is tried again. */
export interface LazyStorage {
  load(): Promise<CiroStorage>;
  readonly settings: { read(name: string): Promise<unknown>; keep(name: string, value: unknown): Promise<void> };
  readonly chats: ChatKeeping;
}

export function lazyStorage(fetchCode: () => Promise<{ openStorage(): CiroStorage }>): LazyStorage {
  let opening: Promise<CiroStorage> | undefined;
  const load = () => {
    opening ??= fetchCode().then(
      ({ openStorage }) => openStorage(),
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
  return {
    load,
    settings: {
      read: async (name) => (await load()).settings.read(name),
      keep: async (name, value) => (await load()).settings.keep(name, value),
    },
    chats: {
      list: async () => (await load()).chats.list(),
      keep: async (chat) => (await load()).chats.keep(chat),
      remove: async (id) => (await load()).chats.remove(id),
    },
  };
}
