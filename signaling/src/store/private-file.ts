import { chmod, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Only the owner reads or writes it. */
const OWNER_ONLY = 0o600;

/** Text of a private file of the data folder; undefined when there is none. */
export async function readPrivate(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a private file, whole or not at all: a crash leaves the old one. */
export async function writePrivate(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  const draft = `${path}.new`;
  const file = await open(draft, 'w', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // A draft that a crash left behind keeps the mode it had.
  await chmod(draft, OWNER_ONLY);
  await rename(draft, path);
}
