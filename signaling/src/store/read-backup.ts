import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as v from 'valibot';
import { BackupHeader, EndLine, RowLine, TableLine } from './backup-format.ts';
import { StoreError } from './store-error.ts';
import type { BackupSummary } from './write-backup.ts';

/** What a backup consists of, in order: header, then tables, each before its rows. */
export type BackupPart = { readonly header: BackupHeader } | { readonly table: TableLine } | { readonly row: readonly (string | null)[]; readonly of: TableLine };

/** Everything between header and end, in order; throws `damaged-backup` where it is not what was written: at the latest at its end, so nothing is to be kept of it before. */
export async function* readBackup(path: string): AsyncGenerator<BackupPart, BackupSummary> {
  const hash = createHash('sha256');
  const counts: Record<string, number> = {};
  let header: BackupHeader | undefined;
  let table: TableLine | undefined;
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    const value = parsed(line, path, number);
    if (header === undefined) {
      if (!v.is(BackupHeader, value)) throw damaged(path, 'it does not begin as a backup of this version does');
      header = value;
      yield { header };
    } else if (v.is(EndLine, value)) {
      if (value.sha256 !== hash.digest('hex')) throw damaged(path, 'its lines do not have the hash that its end names');
      if (!sameCounts(value.end, counts)) throw damaged(path, 'it has other rows than its end names');
      return { ledger: header.ledger, createdAt: header.created_at, rows: counts };
    } else if (v.is(TableLine, value)) {
      if (counts[value.table] !== undefined) throw damaged(path, `line ${number} begins table ${value.table} again`);
      table = value;
      counts[value.table] = 0;
      yield { table };
    } else if (table !== undefined && v.is(RowLine, value) && value.length === table.columns.length) {
      counts[table.table] = (counts[table.table] ?? 0) + 1;
      yield { row: value, of: table };
    } else throw damaged(path, `line ${number} is neither a table nor a row of one`);
    hash.update(`${line}\n`);
  }
  throw damaged(path, 'it breaks off');
}

/** Reads a backup to its end without keeping anything of it; throws `damaged-backup`. */
export async function checkBackup(path: string): Promise<BackupSummary & { readonly header: BackupHeader }> {
  const parts = readBackup(path);
  let header: BackupHeader | undefined;
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) {
      if (header === undefined) throw damaged(path, 'it has no header');
      return { ...value, header };
    }
    if ('header' in value) header = value.header;
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const text = createGunzip();
  // An error of either stream reaches the reader of the second.
  pipeline(file, text, () => undefined);
  try {
    // Of the line that has not ended: a line may be many pieces long.
    let begun: string[] = [];
    for await (const piece of text.setEncoding('utf8') as AsyncIterable<string>) {
      const [first = '', ...more] = piece.split('\n');
      begun.push(first);
      for (const next of more) {
        yield begun.join('');
        begun = [next];
      }
    }
    const rest = begun.join('');
    if (rest !== '') yield rest;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw new StoreError('unavailable', `there is no file ${path}`, { fault: 'user', cause });
    throw cause instanceof StoreError ? cause : damaged(path, 'it cannot be unpacked', cause);
  }
}

function parsed(line: string, path: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw damaged(path, `line ${number} is no JSON`);
  }
}

function sameCounts(told: Readonly<Record<string, number>>, found: Readonly<Record<string, number>>): boolean {
  const names = new Set([...Object.keys(told), ...Object.keys(found)]);
  return [...names].every((name) => told[name] === found[name]);
}

function damaged(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError('damaged-backup', `${path} is no whole backup: ${why}; nothing was changed, use another copy`, { fault: 'user', ...(cause === undefined ? {} : { cause }) });
}
