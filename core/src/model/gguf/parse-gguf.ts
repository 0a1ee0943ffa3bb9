import { ByteReader, PrefixExhausted } from './byte-reader.ts';
import { GgufError } from './gguf-error.ts';
import {
  ALIGNMENT_DEFAULT_BYTES,
  ALIGNMENT_MAX_BYTES,
  ALIGNMENT_MIN_BYTES,
  HEADER_BYTES_MAX,
  METADATA_ENTRIES_MAX,
  TENSORS_MAX,
} from './gguf-limits.ts';
import { readMetadata } from './read-metadata.ts';
import { placeTensors, readTensorDescription } from './read-tensors.ts';
import type { GgufHeader, GgufValue } from './gguf-header.ts';

/** "GGUF" as the little-endian word at offset 0. */
const MAGIC = 0x46554747;

/** What the first `prefix.length` bytes of a file say. */
export type GgufParse =
  | { readonly kind: 'header'; readonly header: GgufHeader }
  /** Call again with a prefix of at least `prefixBytes` bytes (never more than the file or the header limit). */
  | { readonly kind: 'more'; readonly prefixBytes: number };

/**
 * Reads the header of a little-endian GGUF file (version 2 or 3) from its first bytes.
 * Nothing is kept between calls, so a caller that doubles its prefix pays at most twice the work.
 *
 * @param prefix the file's first bytes, as many as the caller has
 * @param fileBytes length of the whole file
 * @throws GgufError with the field that broke a rule; no other error leaves this function
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export function parseGguf(prefix: Uint8Array, fileBytes: number): GgufParse {
  try {
    return { kind: 'header', header: readHeader(new ByteReader(prefix, fileBytes, HEADER_BYTES_MAX), fileBytes) };
  } catch (error) {
    if (error instanceof PrefixExhausted) return { kind: 'more', prefixBytes: error.neededBytes };
    throw error;
  }
}

function readHeader(reader: ByteReader, fileBytes: number): GgufHeader {
  const version = readVersion(reader);
  const tensorCount = reader.count('tensor_count', TENSORS_MAX);
  const entryCount = reader.count('metadata_kv_count', METADATA_ENTRIES_MAX);
  const metadata = readMetadata(reader, entryCount);
  const alignmentBytes = readAlignment(metadata);
  const descriptions = [];
  for (let index = 0; index < tensorCount; index++) descriptions.push(readTensorDescription(reader, index));
  const dataStart = Math.ceil(reader.position / alignmentBytes) * alignmentBytes;
  const tensors = placeTensors(descriptions, dataStart, alignmentBytes, fileBytes);
  return { version, metadata, tensors, alignmentBytes, dataStart };
}

function readVersion(reader: ByteReader): 2 | 3 {
  const magic = reader.u32('magic');
  if (magic !== MAGIC) {
    throw new GgufError('bad-magic', 'magic', { value: `0x${magic.toString(16)}`, expected: `0x${MAGIC.toString(16)}` });
  }
  const version = reader.u32('version');
  if (version === 2 || version === 3) return version;
  // A big-endian file shows its version in the upper byte.
  const bigEndian = (version & 0xffff) === 0;
  throw new GgufError('unsupported-version', 'version', {
    value: bigEndian ? `0x${version.toString(16)} (big-endian)` : version,
    supported: '2, 3',
  });
}

function readAlignment(metadata: ReadonlyMap<string, GgufValue>): number {
  const entry = metadata.get('general.alignment');
  if (entry === undefined) return ALIGNMENT_DEFAULT_BYTES;
  const value = entry.kind === 'number' ? entry.value : Number.NaN;
  // A power of two shares no bit with the number below it.
  const powerOfTwo = Number.isInteger(value) && value >= ALIGNMENT_MIN_BYTES && value <= ALIGNMENT_MAX_BYTES && (value & (value - 1)) === 0;
  if (powerOfTwo) return value;
  throw new GgufError('bad-value', 'general.alignment', {
    value: entry.kind === 'number' ? entry.value : entry.kind,
    expected: `a power of two, ${ALIGNMENT_MIN_BYTES} to ${ALIGNMENT_MAX_BYTES}`,
  });
}
