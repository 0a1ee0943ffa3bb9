import type { CiroDatabase } from './ciro-database.ts';

/** Small values by name. Both calls reject when the browser refuses storage. */
export interface Settings {
  /** As it was kept: the caller checks it. */
  read(name: string): Promise<unknown>;
  keep(name: string, value: unknown): Promise<void>;
}

export const dexieSettings = (database: CiroDatabase): Settings => ({
  read: async (name) => (await database.settings.get(name))?.value,
  keep: async (name, value) => {
    await database.settings.put({ name, value });
  },
});
