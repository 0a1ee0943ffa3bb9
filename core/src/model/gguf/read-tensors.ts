import { BLOCK_FORMATS } from '../quantisation/block-formats.ts';
import { QUANTISATIONS } from '../manifest.ts';
import { quantisationOfGgmlType, nameOfGgmlType } from './ggml-types.ts';
import { GgufError, quoted } from './gguf-error.ts';
import { DIMENSIONS_MAX, DIMENSION_MAX, TENSOR_NAME_BYTES_MAX } from './gguf-limits.ts';
import type { Quantisation } from '../manifest.ts';
import type { ByteReader } from './byte-reader.ts';
import type { GgufTensor } from './gguf-header.ts';

/** One entry of the tensor list; `relativeOffset` counts from the start of the tensor data. */
export interface TensorDescription {
  readonly name: string;
  readonly type: Quantisation;
  readonly dims: readonly number[];
  readonly relativeOffset: bigint;
  readonly bytes: number;
}

/** Reads the next entry of the tensor list and computes its size without overflow. */
export function readTensorDescription(reader: ByteReader, index: number): TensorDescription {
  const name = reader.text(`tensor[${index}].name`, TENSOR_NAME_BYTES_MAX);
  const field = `tensor[${quoted(name)}]`;
  const dims = readDimensions(reader, field);
  const typeId = reader.u32(`${field}.type`);
  const type = quantisationOfGgmlType(typeId);
  if (type === undefined) {
    throw new GgufError('unsupported-quantisation', `${field}.type`, {
      value: nameOfGgmlType(typeId),
      supported: QUANTISATIONS.join(' '),
    });
  }
  const relativeOffset = reader.u64(`${field}.offset`);
  return { name, type, dims, relativeOffset, bytes: tensorBytes(type, dims, field) };
}

function readDimensions(reader: ByteReader, field: string): number[] {
  const axes = reader.u32(`${field}.n_dimensions`);
  if (axes < 1 || axes > DIMENSIONS_MAX) {
    throw new GgufError('bad-dimensions', `${field}.n_dimensions`, { value: axes, expected: `1 to ${DIMENSIONS_MAX}` });
  }
  const dims: number[] = [];
  for (let axis = 0; axis < axes; axis++) {
    const size = reader.u64(`${field}.dimensions[${axis}]`);
    if (size < 1n || size > BigInt(DIMENSION_MAX)) {
      throw new GgufError('bad-dimensions', `${field}.dimensions[${axis}]`, { value: String(size), limit: DIMENSION_MAX });
    }
    dims.push(Number(size));
  }
  return dims;
}

/** Size of a tensor whose rows are whole blocks. Products of four 31-bit sizes pass 2^53, so the count is exact in bigints. */
function tensorBytes(type: Quantisation, dims: readonly number[], field: string): number {
  const format = BLOCK_FORMATS[type];
  const rowLength = dims[0] ?? 0;
  if (rowLength % format.elements !== 0) {
    throw new GgufError('bad-dimensions', `${field}.dimensions[0]`, { value: rowLength, multipleOf: format.elements, type });
  }
  const elements = dims.reduce((product, size) => product * BigInt(size), 1n);
  const bytes = (elements / BigInt(format.elements)) * BigInt(format.bytes);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new GgufError('bad-dimensions', `${field}.dimensions`, { elements: String(elements), bytes: String(bytes) });
  }
  return Number(bytes);
}

/** Turns relative offsets into absolute ones and refuses names used twice, misaligned, overlapping or missing data. */
export function placeTensors(
  descriptions: readonly TensorDescription[],
  dataStart: number,
  alignmentBytes: number,
  fileBytes: number,
): GgufTensor[] {
  const names = new Set<string>();
  const tensors = descriptions.map((description): GgufTensor => {
    const field = `tensor[${quoted(description.name)}]`;
    if (names.has(description.name)) throw new GgufError('duplicate', field);
    names.add(description.name);
    const { relativeOffset, bytes } = description;
    if (relativeOffset % BigInt(alignmentBytes) !== 0n) {
      throw new GgufError('misaligned', `${field}.offset`, { value: String(relativeOffset), alignmentBytes });
    }
    if (BigInt(dataStart) + relativeOffset + BigInt(bytes) > BigInt(fileBytes)) {
      throw new GgufError('past-end-of-file', `${field}.offset`, { value: String(relativeOffset), dataStart, bytes, fileBytes });
    }
    return { name: description.name, type: description.type, dims: description.dims, offset: dataStart + Number(relativeOffset), bytes };
  });
  refuseOverlap(tensors);
  return tensors;
}

function refuseOverlap(tensors: readonly GgufTensor[]): void {
  const byOffset = [...tensors].sort((left, right) => left.offset - right.offset);
  let previous: GgufTensor | undefined;
  for (const tensor of byOffset) {
    if (previous !== undefined && tensor.offset < previous.offset + previous.bytes) {
      throw new GgufError('overlap', `tensor[${quoted(tensor.name)}].offset`, {
        value: tensor.offset,
        other: quoted(previous.name),
        otherEnd: previous.offset + previous.bytes,
      });
    }
    previous = tensor;
  }
}
