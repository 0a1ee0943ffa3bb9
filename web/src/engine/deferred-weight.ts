/**
 * A weight that is expanded only when onnxruntime-web copies it into its own memory. The library reads external data with
 * `byteLength` and one `subarray(offset, offset + length)` per weight; this array says the full length and expands there.
 * So a stage is never held twice: measured peak for 10 layers 584 MB with plain arrays, see docs/decisions.
 */
export class DeferredWeight extends Uint8Array<ArrayBuffer> {
  readonly #expand: () => Float32Array;

  /** `byteLength` is that of the float32 values that `expand` gives. */
  constructor(byteLength: number, expand: () => Float32Array) {
    super(new ArrayBuffer(0));
    this.#expand = expand;
    Object.defineProperty(this, 'byteLength', { value: byteLength });
  }

  /** The expanded bytes `[begin, end)`; valid until the next weight is expanded. */
  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    const values = this.#expand();
    if (!(values.buffer instanceof ArrayBuffer)) throw new TypeError('expanded weights must not lie in shared memory');
    return new Uint8Array(values.buffer, values.byteOffset + begin, end - begin);
  }
}
