import type { Quantisation } from '../manifest.ts';

/** How a format stores its elements: `elements` consecutive ones of a row in `bytes` bytes. */
export interface BlockFormat {
  readonly elements: number;
  readonly bytes: number;
}

/** Block layouts of ggml (ggml-common.h: `block_q4_0` … `block_q6_K`). Rows are whole blocks. */
export const BLOCK_FORMATS: Record<Quantisation, BlockFormat> = {
  F32: { elements: 1, bytes: 4 },
  F16: { elements: 1, bytes: 2 },
  BF16: { elements: 1, bytes: 2 },
  Q4_0: { elements: 32, bytes: 18 },
  Q4_1: { elements: 32, bytes: 20 },
  Q5_0: { elements: 32, bytes: 22 },
  Q5_1: { elements: 32, bytes: 24 },
  Q8_0: { elements: 32, bytes: 34 },
  Q4_K: { elements: 256, bytes: 144 },
  Q5_K: { elements: 256, bytes: 176 },
  Q6_K: { elements: 256, bytes: 210 },
};
