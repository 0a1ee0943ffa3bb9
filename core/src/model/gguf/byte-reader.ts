import { GgufError } from './gguf-error.ts';

/**
 * Thrown inside the parser when the prefix ends before the header does; never leaves this room.
 * A plain object without a stack: it is control flow, and it happens once a read.
 */
export class PrefixExhausted {
  /** The prefix must hold at least this many bytes for the parser to get past this point. */
  readonly neededBytes: number;

  constructor(neededBytes: number) {
    this.neededBytes = neededBytes;
  }
}

/** `ignoreBOM` keeps a token that is a byte order mark; by default the decoder would swallow it. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Little-endian cursor over a growing prefix of a file of `fileBytes` bytes, `headerBytesMax` of which it may use. */
export class ByteReader {
  position = 0;
  readonly #prefix: Uint8Array;
  readonly #view: DataView;
  readonly #fileBytes: number;
  readonly #headerBytesMax: number;

  constructor(prefix: Uint8Array, fileBytes: number, headerBytesMax: number) {
    this.#prefix = prefix;
    this.#view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    this.#fileBytes = fileBytes;
    this.#headerBytesMax = headerBytesMax;
  }

  /** Refuses when `bytes` more can't be there; asks for a longer prefix when they can but aren't yet. */
  require(bytes: number, field: string): void {
    const end = this.position + bytes;
    if (end > this.#fileBytes) throw new GgufError('truncated', field, { neededBytes: end, fileBytes: this.#fileBytes });
    if (end > this.#headerBytesMax) {
      throw new GgufError('limit-exceeded', field, { headerBytes: end, limit: this.#headerBytesMax });
    }
    if (end > this.#prefix.byteLength) throw new PrefixExhausted(end);
  }

  u8(field: string): number {
    this.require(1, field);
    return this.#view.getUint8(this.#advance(1));
  }

  i8(field: string): number {
    this.require(1, field);
    return this.#view.getInt8(this.#advance(1));
  }

  u16(field: string): number {
    this.require(2, field);
    return this.#view.getUint16(this.#advance(2), true);
  }

  i16(field: string): number {
    this.require(2, field);
    return this.#view.getInt16(this.#advance(2), true);
  }

  u32(field: string): number {
    this.require(4, field);
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(field: string): number {
    this.require(4, field);
    return this.#view.getInt32(this.#advance(4), true);
  }

  f32(field: string): number {
    this.require(4, field);
    return this.#view.getFloat32(this.#advance(4), true);
  }

  f64(field: string): number {
    this.require(8, field);
    return this.#view.getFloat64(this.#advance(8), true);
  }

  u64(field: string): bigint {
    this.require(8, field);
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  i64(field: string): bigint {
    this.require(8, field);
    return this.#view.getBigInt64(this.#advance(8), true);
  }

  /** A 64-bit count that must not exceed `limit`; a larger one is refused before anything is read or allocated for it. */
  count(field: string, limit: number): number {
    const value = this.u64(field);
    if (value > BigInt(limit)) throw new GgufError('limit-exceeded', field, { value: String(value), limit });
    return Number(value);
  }

  /** Length-prefixed UTF-8 text of at most `maxBytes` bytes. */
  text(field: string, maxBytes: number): string {
    const bytes = this.count(`${field}.length`, maxBytes);
    this.require(bytes, field);
    const start = this.#advance(bytes);
    try {
      return strictUtf8.decode(this.#prefix.subarray(start, start + bytes));
    } catch {
      throw new GgufError('bad-utf8', field, { offset: start, bytes });
    }
  }

  #advance(bytes: number): number {
    const start = this.position;
    this.position = start + bytes;
    return start;
  }
}
