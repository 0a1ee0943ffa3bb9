import type { Quantisation } from '../manifest.ts';

export type GgufNumberType = 'UINT8' | 'INT8' | 'UINT16' | 'INT16' | 'UINT32' | 'INT32' | 'FLOAT32' | 'FLOAT64';
export type GgufWideType = 'UINT64' | 'INT64';

/** One metadata value. Arrays are flat; 64-bit integers stay bigints so that nothing is rounded. */
export type GgufValue =
  | { readonly kind: 'number'; readonly type: GgufNumberType; readonly value: number }
  | { readonly kind: 'wide'; readonly type: GgufWideType; readonly value: bigint }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'numbers'; readonly type: GgufNumberType; readonly values: Float64Array }
  | { readonly kind: 'wides'; readonly type: GgufWideType; readonly values: readonly bigint[] }
  | { readonly kind: 'bools'; readonly values: readonly boolean[] }
  | { readonly kind: 'strings'; readonly values: readonly string[] };

/** Where one tensor lies. */
export interface GgufTensor {
  readonly name: string;
  readonly type: Quantisation;
  /** `dims[0]` is contiguous. One to four axes, each at least 1. */
  readonly dims: readonly number[];
  /** Absolute byte offset in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Everything in a GGUF file before its tensor data. */
export interface GgufHeader {
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In file order of their descriptions; no two overlap, all lie inside the file. */
  readonly tensors: readonly GgufTensor[];
  readonly alignmentBytes: number;
  /** Absolute offset of the first byte of tensor data. */
  readonly dataStart: number;
}
