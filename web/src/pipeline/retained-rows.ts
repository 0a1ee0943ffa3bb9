/** Values of every position of one job, allocated once: rows of float32, or token ids. */
export class RetainedRows<Values extends Float32Array | Uint32Array = Float32Array | Uint32Array> {
  readonly width: number;
  readonly #values: Values;

  private constructor(values: Values, width: number) {
    this.#values = values;
    this.width = width;
  }

  static ofRows(positions: number, channels: number): RetainedRows<Float32Array> {
    return new RetainedRows(new Float32Array(positions * channels), channels);
  }

  static ofIds(positions: number): RetainedRows<Uint32Array> {
    return new RetainedRows(new Uint32Array(positions), 1);
  }

  /** Bytes of memory that this keeps from being given back. */
  get heldBytes(): number {
    return this.#values.buffer.byteLength;
  }

  /** The first positions alone: copied when that lets more than half of the memory go. */
  upTo(positions: number): RetainedRows<Values> {
    const values = this.#values.subarray(0, positions * this.width) as Values;
    return new RetainedRows(2 * values.byteLength < this.heldBytes ? (values.slice() as Values) : values, this.width);
  }

  /** Values of positions `[position, position + count)`: a view, not a copy. */
  at(position: number, count = 1): Values {
    return this.#values.subarray(position * this.width, (position + count) * this.width) as Values;
  }

  /** The same positions as the bytes that are hashed and sent (little-endian, as every platform with WebAssembly is). */
  bytes(position: number, count = 1): Uint8Array {
    const bytesPerRow = this.width * this.#values.BYTES_PER_ELEMENT;
    return new Uint8Array(this.#values.buffer, this.#values.byteOffset + position * bytesPerRow, count * bytesPerRow);
  }
}
