import { sha256 } from '@noble/hashes/sha2.js';
import * as v from 'valibot';
import { fromBase64, toHex } from '../bytes.ts';
import { HexHash } from '../ids.ts';
import { decodeCalibration } from './calibration-codec.ts';
import { llamaShards } from './llama-tensors.ts';
import { QUANTISATIONS } from './manifest.ts';
import { ModelError } from './model-error.ts';
import {
  CONTEXT_POSITIONS_MAX,
  FEED_FORWARD_MAX,
  HEADS_MAX,
  HEAD_DIM_MAX,
  HIDDEN_MAX,
  LAYERS_MAX,
  MODEL_NAME_CHARACTERS_MAX,
  STOP_IDS_MAX,
  VOCABULARY_MAX,
} from './model-limits.ts';
import { quantisedBytes } from './quantisation/dequantise.ts';
import type { CalibrationTable, ModelManifest, Shard, ShardTensor } from './manifest.ts';

/** A head holds two tensors and a layer nine; a range a tensor is the worst case. */
const TENSORS_PER_SHARD_MAX = 16;
const FILE_NAME_CHARACTERS_MAX = 255;

const wholeNumber = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const byteCount = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export const ArchitectureSchema = v.pipe(
  v.strictObject({
    family: v.literal('llama'),
    layers: wholeNumber(1, LAYERS_MAX),
    hidden: wholeNumber(1, HIDDEN_MAX),
    heads: wholeNumber(1, HEADS_MAX),
    kvHeads: wholeNumber(1, HEADS_MAX),
    headDim: v.pipe(wholeNumber(2, HEAD_DIM_MAX), v.multipleOf(2)),
    feedForward: wholeNumber(1, FEED_FORWARD_MAX),
    vocabulary: wholeNumber(1, VOCABULARY_MAX),
    context: wholeNumber(1, CONTEXT_POSITIONS_MAX),
    ropeBase: v.pipe(v.number(), v.finite(), v.gtValue(1)),
    normEpsilon: v.pipe(v.number(), v.gtValue(0), v.ltValue(1)),
    tiedHead: v.boolean(),
  }),
  v.check((architecture) => architecture.heads % architecture.kvHeads === 0, 'kvHeads must divide heads'),
);

const ShardSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^(?:embedding|head|layer-\d{1,4})$/)),
  sha256: HexHash,
  bytes: byteCount,
  ranges: v.pipe(v.array(v.strictObject({ offset: byteCount, length: byteCount })), v.minLength(1), v.maxLength(TENSORS_PER_SHARD_MAX)),
  tensors: v.pipe(
    v.array(
      v.strictObject({
        name: v.string(),
        type: v.picklist(QUANTISATIONS),
        dims: v.pipe(v.array(wholeNumber(1, Number.MAX_SAFE_INTEGER)), v.minLength(1), v.maxLength(2)),
        offset: byteCount,
        bytes: byteCount,
      }),
    ),
    v.maxLength(TENSORS_PER_SHARD_MAX),
  ),
});

const ManifestSchema = v.strictObject({
  format: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(MODEL_NAME_CHARACTERS_MAX)),
  licence: v.pipe(v.string(), v.maxLength(MODEL_NAME_CHARACTERS_MAX)),
  file: v.strictObject({ name: v.pipe(v.string(), v.maxLength(FILE_NAME_CHARACTERS_MAX)), sha256: HexHash, bytes: byteCount }),
  architecture: ArchitectureSchema,
  shards: v.pipe(v.array(ShardSchema), v.maxLength(LAYERS_MAX + 2)),
  stopIds: v.pipe(v.array(wholeNumber(0, VOCABULARY_MAX)), v.maxLength(STOP_IDS_MAX)),
  calibration: v.strictObject({ sha256: HexHash, base64: v.string() }),
});

function refuse(field: string, detail: string): never {
  throw new ModelError('bad-manifest', `Model manifest: ${field} ${detail}. Don't use this model; its server is faulty or hostile.`, {
    fault: 'peer',
    fields: { field, detail },
  });
}

/**
 * The manifest in a value from outside. Everything a tab allocates or reads by it is checked: the shards are exactly those
 * of the architecture, their tensors have the sizes it calls for and lie inside the shard, the ranges inside the file,
 * and the calibration table is the one whose hash is named. Throws ModelError `bad-manifest` or `bad-calibration`.
 */
export function parseManifest(value: unknown): ModelManifest {
  const parsed = v.safeParse(ManifestSchema, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    refuse(v.getDotPath(issue) ?? 'value', `is wrong: ${issue.message}`);
  }
  const manifest: ModelManifest = parsed.output;
  checkShards(manifest);
  calibrationOf(manifest);
  if (manifest.stopIds.some((id) => id >= manifest.architecture.vocabulary)) refuse('stopIds', 'holds an id outside the vocabulary');
  return manifest;
}

/** The manifest's calibration table. Throws ModelError when the bytes don't have the named hash or another model's sizes. */
export function calibrationOf(manifest: ModelManifest): CalibrationTable {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(manifest.calibration.base64);
  } catch {
    refuse('calibration.base64', 'is not base64');
  }
  if (toHex(sha256(bytes)) !== manifest.calibration.sha256) refuse('calibration.sha256', 'is not the hash of the table');
  const table = decodeCalibration(bytes);
  const { hidden, layers } = manifest.architecture;
  if (table.hidden !== hidden || table.exponents.length !== (layers + 2) * hidden) refuse('calibration', `is not a table of ${layers + 2} boundaries of ${hidden}`);
  return table;
}

function checkShards(manifest: ModelManifest): void {
  const expected = llamaShards(manifest.architecture);
  if (manifest.shards.length !== expected.length) refuse('shards', `are ${manifest.shards.length}, expected ${expected.length}`);
  manifest.shards.forEach((shard, index) => {
    const field = `shards[${index}]`;
    const wanted = expected[index];
    if (shard.name !== wanted?.name) refuse(`${field}.name`, `is ${shard.name}, expected ${wanted?.name}`);
    checkRanges(shard, manifest.file.bytes, field);
    const byName = new Map(shard.tensors.map((tensor) => [tensor.name, tensor]));
    if (byName.size !== wanted.tensors.length || shard.tensors.length !== byName.size) refuse(`${field}.tensors`, 'are not those of the layer');
    for (const tensor of wanted.tensors) checkTensor(byName.get(tensor.name), tensor.dims, shard, `${field}.tensors[${tensor.name}]`);
  });
}

function checkRanges(shard: Shard, fileBytes: number, field: string): void {
  let total = 0;
  let end = 0;
  for (const range of shard.ranges) {
    if (range.length < 1 || range.offset < end || range.offset + range.length > fileBytes) refuse(`${field}.ranges`, `don't rise inside a file of ${fileBytes} bytes`);
    end = range.offset + range.length;
    total += range.length;
  }
  if (total !== shard.bytes) refuse(`${field}.bytes`, `is ${shard.bytes}, the ranges hold ${total}`);
}

function checkTensor(tensor: ShardTensor | undefined, dims: readonly number[], shard: Shard, field: string): void {
  if (tensor === undefined) refuse(field, 'is missing');
  if (tensor.dims.length !== dims.length || tensor.dims.some((size, axis) => size !== dims[axis])) refuse(`${field}.dims`, `are [${tensor.dims.join(', ')}], expected [${dims.join(', ')}]`);
  const bytes = rowsBytes(tensor, field);
  if (tensor.bytes !== bytes || tensor.offset + bytes > shard.bytes) refuse(`${field}.bytes`, `is ${tensor.bytes} at ${tensor.offset}, expected ${bytes} inside ${shard.bytes}`);
}

function rowsBytes(tensor: ShardTensor, field: string): number {
  const [rowLength = 0, rows = 1] = tensor.dims;
  try {
    return quantisedBytes(tensor.type, rowLength) * rows;
  } catch {
    refuse(`${field}.dims`, `has rows of ${rowLength}, which are not whole ${tensor.type} blocks`);
  }
}
