import type { Quantisation } from '../manifest.ts';

/** Tensor types by their number in the file, as ggml names them (ggml.h, `enum ggml_type`). Gaps are types that were withdrawn. */
const GGML_TYPE_NAMES = new Map<number, string>([
  [9, 'Q8_1'], [10, 'Q2_K'], [11, 'Q3_K'], [15, 'Q8_K'], [16, 'IQ2_XXS'], [17, 'IQ2_XS'], [18, 'IQ3_XXS'], [19, 'IQ1_S'],
  [20, 'IQ4_NL'], [21, 'IQ3_S'], [22, 'IQ2_S'], [23, 'IQ4_XS'], [24, 'I8'], [25, 'I16'], [26, 'I32'], [27, 'I64'], [28, 'F64'],
  [29, 'IQ1_M'], [34, 'TQ1_0'], [35, 'TQ2_0'], [39, 'MXFP4'], [40, 'NVFP4'], [41, 'Q1_0'],
]);

const QUANTISATION_BY_ID = new Map<number, Quantisation>([
  [0, 'F32'], [1, 'F16'], [2, 'Q4_0'], [3, 'Q4_1'], [6, 'Q5_0'], [7, 'Q5_1'], [8, 'Q8_0'],
  [12, 'Q4_K'], [13, 'Q5_K'], [14, 'Q6_K'], [30, 'BF16'],
]);

/** The block format with this number in the file, or undefined when core cannot expand it. */
export function quantisationOfGgmlType(id: number): Quantisation | undefined {
  return QUANTISATION_BY_ID.get(id);
}

/** Name to show for a type that is refused. */
export function nameOfGgmlType(id: number): string {
  return GGML_TYPE_NAMES.get(id) ?? `type ${id}`;
}
