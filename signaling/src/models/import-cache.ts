import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { fromBase64, toBase64 } from '@ciro/core/bytes.ts';
import { CALIBRATION_VERSION } from './calibration-corpus.ts';
import { modelFolder } from './cache-folder.ts';
import type { ModelHashes } from './shard-hashes.ts';

/** What an import found out by reading the whole file; everything else in a manifest comes from the header. */
export interface ImportRecord {
  readonly hashes: ModelHashes;
  /** Encoded calibration table. */
  readonly calibration: Uint8Array;
}

const Stamp = v.object({ bytes: v.number(), modified: v.number(), changed: v.number(), inode: v.number(), sha256: v.string() });
const Stored = v.object({ plan: v.string(), file: v.string(), shards: v.record(v.string(), v.string()), calibration: v.string() });

/** Import results on disk: by the file's hash and the calibration's version, found again by path while the file is unchanged. */
export class ImportCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The record of a file that hasn't changed since, if its layout (`planHash`) is still read the same way. */
  async find(path: string, planHash: string): Promise<ImportRecord | undefined> {
    const sha256 = await this.#knownHash(path);
    if (sha256 === undefined) return undefined;
    const stored = await readJson(this.#recordFile(sha256), Stored);
    if (stored === undefined || stored.plan !== planHash || stored.file !== sha256) return undefined;
    return { hashes: { file: stored.file, shards: new Map(Object.entries(stored.shards)) }, calibration: fromBase64(stored.calibration) };
  }

  async store(path: string, planHash: string, record: ImportRecord): Promise<void> {
    const { file, shards } = record.hashes;
    await writeJson(this.#recordFile(file), { plan: planHash, file, shards: Object.fromEntries(shards), calibration: toBase64(record.calibration) });
    await writeJson(await this.#stampFile(path), { ...(await identityOf(path)), sha256: file });
  }

  /** Hash of a file whose size, times and inode are those it had when it was hashed. */
  async #knownHash(path: string): Promise<string | undefined> {
    const stamp = await readJson(await this.#stampFile(path), Stamp);
    if (stamp === undefined) return undefined;
    const now = await identityOf(path);
    const same = stamp.bytes === now.bytes && stamp.modified === now.modified && stamp.changed === now.changed && stamp.inode === now.inode;
    return same ? stamp.sha256 : undefined;
  }

  #recordFile(sha256: string): string {
    return join(modelFolder(this.#folder, sha256), `import-v${CALIBRATION_VERSION}.json`);
  }

  async #stampFile(path: string): Promise<string> {
    return join(this.#folder, 'stamps', `${createHash('sha256').update(await realpath(path)).digest('hex')}.json`);
  }
}

async function identityOf(path: string): Promise<{ bytes: number; modified: number; changed: number; inode: number }> {
  const found = await stat(path);
  return { bytes: found.size, modified: found.mtimeMs, changed: found.ctimeMs, inode: found.ino };
}

/** A missing or damaged cache file is no error: the work is done again. */
async function readJson<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  try {
    const parsed = v.safeParse(schema, JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that an ended process leaves the old file or the new one. */
async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify(value));
  await rename(draft, path);
}
