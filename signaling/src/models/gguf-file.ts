import { open } from 'node:fs/promises';
import { HEADER_BYTES_MAX } from '@ciro/core/model/gguf/gguf-limits.ts';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { ModelsError } from './models-error.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';

/** The default model's header is 1.8 MB; larger vocabularies take one or two more reads. */
const FIRST_READ_BYTES = 2 * 1024 * 1024;

/** A file's header and length. */
export interface GgufFile {
  readonly path: string;
  readonly header: GgufHeader;
  readonly bytes: number;
}

/**
 * Reads the header of a GGUF file; at most 64 MiB of it are ever read or held.
 * Throws ModelsError `unreadable-file` when the disk refuses, GgufError when the bytes do.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw unreadable(path, new Error('it is not a file'));
    const limit = Math.min(found.size, HEADER_BYTES_MAX);
    let prefix = Buffer.alloc(0);
    let wanted = FIRST_READ_BYTES;
    for (;;) {
      const grown = Buffer.alloc(Math.min(limit, wanted));
      prefix.copy(grown);
      const { bytesRead } = await file.read(grown, prefix.length, grown.length - prefix.length, prefix.length);
      if (bytesRead !== grown.length - prefix.length) throw unreadable(path, new Error('it became shorter while it was read'));
      prefix = grown;
      const parse = parseGguf(prefix, found.size);
      if (parse.kind === 'header') return { path, header: parse.header, bytes: found.size };
      wanted = Math.max(parse.prefixBytes, 2 * prefix.length);
    }
  } finally {
    await file.close();
  }
}

function unreadable(path: string, cause: unknown): ModelsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ModelsError('unreadable-file', `The model file ${path} can't be read: ${reason}. Check the path.`, { fault: 'user', fields: { path }, cause });
}
