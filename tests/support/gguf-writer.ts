/** Writes small GGUF files for tests: seeded models, and files broken in one chosen place. Not for production use. */

export type WriterScalar = 'UINT8' | 'INT8' | 'UINT16' | 'INT16' | 'UINT32' | 'INT32' | 'FLOAT32' | 'BOOL' | 'STRING' | 'UINT64' | 'INT64' | 'FLOAT64';
export type WriterElement = number | bigint | boolean | string;

/** One key. With `array`, `value` is a list of elements of `type`. */
export type WriterEntry =
  | { readonly key: string; readonly type: WriterScalar; readonly value: WriterElement }
  | { readonly key: string; readonly type: WriterScalar; readonly array: readonly WriterElement[] };

export interface WriterTensor {
  readonly name: string;
  /** Number of the tensor type in the file: a name of `TENSOR_TYPE_IDS`, or any number to write a bad one. */
  readonly type: keyof typeof TENSOR_TYPE_IDS | number;
  readonly dims: readonly (number | bigint)[];
  readonly data: Uint8Array;
  /** Writes this offset (from the start of the tensor data) instead of the right one. */
  readonly forcedOffset?: bigint;
}

export interface WriterFile {
  readonly metadata: readonly WriterEntry[];
  readonly tensors: readonly WriterTensor[];
  readonly version?: number;
  /** Bytes; also written as `general.alignment` when given. */
  readonly alignment?: number;
  /** Writes these counts instead of the right ones. */
  readonly forcedTensorCount?: bigint;
  readonly forcedEntryCount?: bigint;
}

const VALUE_TYPE_IDS: Record<WriterScalar | 'ARRAY', number> = {
  UINT8: 0, INT8: 1, UINT16: 2, INT16: 3, UINT32: 4, INT32: 5, FLOAT32: 6, BOOL: 7, STRING: 8, ARRAY: 9, UINT64: 10, INT64: 11, FLOAT64: 12,
};

export const TENSOR_TYPE_IDS = {
  F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q2_K: 10, Q4_K: 12, Q5_K: 13, Q6_K: 14, IQ2_XXS: 16, BF16: 30,
} as const;

const ALIGNMENT_DEFAULT_BYTES = 32;

const FIRST_CAPACITY_BYTES = 4096;

/** Growing little-endian buffer. Public so that tests can write headers that `writeGguf` would not. */
export class GgufByteWriter {
  length = 0;
  #buffer = new Uint8Array(FIRST_CAPACITY_BYTES);
  #view = new DataView(this.#buffer.buffer);

  bytes(part: Uint8Array): this {
    const at = this.#grow(part.length);
    this.#buffer.set(part, at);
    return this;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  f32(value: number): this {
    const at = this.#grow(4);
    this.#view.setFloat32(at, value, true);
    return this;
  }

  f64(value: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
    return this;
  }

  text(value: string): this {
    const encoded = new TextEncoder().encode(value);
    return this.u64(BigInt(encoded.length)).bytes(encoded);
  }

  element(type: WriterScalar, value: WriterElement): this {
    switch (type) {
      case 'STRING':
        return this.text(String(value));
      case 'BOOL':
      case 'UINT8':
      case 'INT8':
        return this.u8(Number(value));
      case 'UINT16':
      case 'INT16':
        return this.u16(Number(value));
      case 'UINT32':
      case 'INT32':
        return this.u32(Number(value));
      case 'FLOAT32':
        return this.f32(Number(value));
      case 'FLOAT64':
        return this.f64(Number(value));
      case 'UINT64':
      case 'INT64':
        return this.u64(BigInt(value));
    }
  }

  padTo(multiple: number): this {
    this.#grow(Math.ceil(this.length / multiple) * multiple - this.length);
    return this;
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }

  /** Makes room for `bytes` more (zeros) and returns where they start. */
  #grow(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.#buffer.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** The bytes of a GGUF file: header, padding, then the tensors' data in order, each at the alignment. */
export function writeGguf(file: WriterFile): Uint8Array {
  const alignment = file.alignment ?? ALIGNMENT_DEFAULT_BYTES;
  const out = new GgufByteWriter().bytes(writeGgufHeader({ ...file, tensors: file.tensors.map((tensor) => ({ ...tensor, bytes: tensor.data.length })) }));
  for (const tensor of file.tensors) out.bytes(tensor.data).padTo(alignment);
  return out.finish();
}

/** All that stands before the tensors' data, padded: for a file that is too large to be made in memory. */
export function writeGgufHeader(file: Omit<WriterFile, 'tensors'> & { readonly tensors: readonly (Omit<WriterTensor, 'data'> & { readonly bytes: number })[] }): Uint8Array {
  const alignment = file.alignment ?? ALIGNMENT_DEFAULT_BYTES;
  const metadata: WriterEntry[] = [...file.metadata];
  if (file.alignment !== undefined) metadata.push({ key: 'general.alignment', type: 'UINT32', value: file.alignment });
  const out = new GgufByteWriter();
  out.bytes(new TextEncoder().encode('GGUF')).u32(file.version ?? 3);
  out.u64(file.forcedTensorCount ?? BigInt(file.tensors.length)).u64(file.forcedEntryCount ?? BigInt(metadata.length));
  for (const entry of metadata) writeEntry(out, entry);
  let offset = 0n;
  for (const tensor of file.tensors) {
    out.text(tensor.name).u32(tensor.dims.length);
    for (const size of tensor.dims) out.u64(BigInt(size));
    out.u32(typeof tensor.type === 'number' ? tensor.type : TENSOR_TYPE_IDS[tensor.type]).u64(tensor.forcedOffset ?? offset);
    offset += BigInt(Math.ceil(tensor.bytes / alignment) * alignment);
  }
  return out.padTo(alignment).finish();
}

function writeEntry(out: GgufByteWriter, entry: WriterEntry): void {
  out.text(entry.key);
  if (!('array' in entry)) {
    out.u32(VALUE_TYPE_IDS[entry.type]).element(entry.type, entry.value);
    return;
  }
  out.u32(VALUE_TYPE_IDS.ARRAY).u32(VALUE_TYPE_IDS[entry.type]).u64(BigInt(entry.array.length));
  for (const element of entry.array) out.element(entry.type, element);
}
