import { expect, test } from 'vitest';
import { GgufByteWriter, writeGguf } from '../../../../tests/support/gguf-writer.ts';
import { GgufError } from './gguf-error.ts';
import { parseGguf } from './parse-gguf.ts';
import type { GgufHeader } from './gguf-header.ts';
import type { WriterFile, WriterTensor } from '../../../../tests/support/gguf-writer.ts';

const EVERY_SCALAR: WriterFile['metadata'] = [
  { key: 'u8', type: 'UINT8', value: 255 },
  { key: 'i8', type: 'INT8', value: -128 },
  { key: 'u16', type: 'UINT16', value: 65_535 },
  { key: 'i16', type: 'INT16', value: -32_768 },
  { key: 'u32', type: 'UINT32', value: 4_294_967_295 },
  { key: 'i32', type: 'INT32', value: -5 },
  { key: 'f32', type: 'FLOAT32', value: 0.5 },
  { key: 'f64', type: 'FLOAT64', value: 1e-5 },
  { key: 'u64', type: 'UINT64', value: 18_446_744_073_709_551_615n },
  { key: 'i64', type: 'INT64', value: -1n },
  { key: 'bool', type: 'BOOL', value: true },
  { key: 'text', type: 'STRING', value: 'naïve \ufeff 🙂' },
  { key: 'texts', type: 'STRING', array: ['a', '', '\ufeff'] },
  { key: 'scores', type: 'FLOAT32', array: [1, -2.5] },
  { key: 'flags', type: 'BOOL', array: [true, false] },
  { key: 'wides', type: 'INT64', array: [-7n, 7n] },
];

function tensor(name: string, overrides: Partial<WriterTensor> = {}): WriterTensor {
  return { name, type: 'F32', dims: [8, 2], data: new Uint8Array(64).fill(1), ...overrides };
}

function file(overrides: Partial<WriterFile> = {}): Uint8Array {
  return writeGguf({ metadata: [{ key: 'general.architecture', type: 'STRING', value: 'llama' }], tensors: [tensor('a'), tensor('b')], ...overrides });
}

function headerOf(bytes: Uint8Array): GgufHeader {
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error(`the parser asks for ${parse.prefixBytes} bytes of ${bytes.length}`);
  return parse.header;
}

function refusal(bytes: Uint8Array, fileBytes = bytes.length): { code: string; field: string } {
  try {
    parseGguf(bytes, fileBytes);
  } catch (error) {
    if (error instanceof GgufError) return { code: error.code, field: error.field };
    throw error;
  }
  throw new Error('the file was accepted');
}

/** A header of one key whose value is written by hand. */
function withValue(write: (out: GgufByteWriter) => void): Uint8Array {
  const out = new GgufByteWriter().bytes(new TextEncoder().encode('GGUF')).u32(3).u64(0n).u64(1n).text('key');
  write(out);
  return out.finish();
}

test('a header of every value type is read back, with the tensors at their absolute places', () => {
  const bytes = file({ metadata: EVERY_SCALAR, tensors: [tensor('a'), tensor('b', { type: 'Q8_0', dims: [64], data: new Uint8Array(68) })] });
  const header = headerOf(bytes);
  expect(Object.fromEntries(header.metadata)).toEqual({
    u8: { kind: 'number', type: 'UINT8', value: 255 },
    i8: { kind: 'number', type: 'INT8', value: -128 },
    u16: { kind: 'number', type: 'UINT16', value: 65_535 },
    i16: { kind: 'number', type: 'INT16', value: -32_768 },
    u32: { kind: 'number', type: 'UINT32', value: 4_294_967_295 },
    i32: { kind: 'number', type: 'INT32', value: -5 },
    f32: { kind: 'number', type: 'FLOAT32', value: 0.5 },
    f64: { kind: 'number', type: 'FLOAT64', value: 1e-5 },
    u64: { kind: 'wide', type: 'UINT64', value: 18_446_744_073_709_551_615n },
    i64: { kind: 'wide', type: 'INT64', value: -1n },
    bool: { kind: 'bool', value: true },
    text: { kind: 'string', value: 'naïve \ufeff 🙂' },
    texts: { kind: 'strings', values: ['a', '', '\ufeff'] },
    scores: { kind: 'numbers', type: 'FLOAT32', values: Float64Array.of(1, -2.5) },
    flags: { kind: 'bools', values: [true, false] },
    wides: { kind: 'wides', type: 'INT64', values: [-7n, 7n] },
  });
  expect(header.dataStart % 32).toBe(0);
  expect(header.tensors).toEqual([
    { name: 'a', type: 'F32', dims: [8, 2], offset: header.dataStart, bytes: 64 },
    { name: 'b', type: 'Q8_0', dims: [64], offset: header.dataStart + 64, bytes: 68 },
  ]);
  expect(bytes.subarray(header.dataStart, header.dataStart + 64)).toEqual(new Uint8Array(64).fill(1));
});

test('version 2 and another alignment are accepted', () => {
  const header = headerOf(file({ version: 2, alignment: 256 }));
  expect({ version: header.version, alignment: header.alignmentBytes, start: header.dataStart }).toEqual({ version: 2, alignment: 256, start: 256 });
});

test('any shorter prefix asks for more, and following the request reaches the header', () => {
  const bytes = file({ metadata: EVERY_SCALAR });
  const end = headerOf(bytes).dataStart;
  for (let length = 0; length < end - 32; length++) {
    const parse = parseGguf(bytes.subarray(0, length), bytes.length);
    if (parse.kind !== 'more') throw new Error(`a prefix of ${length} bytes gave a header`);
    expect(parse.prefixBytes).toBeGreaterThan(length);
  }
  let prefix = 0;
  for (let round = 0; round < 10_000; round++) {
    const parse = parseGguf(bytes.subarray(0, prefix), bytes.length);
    if (parse.kind === 'header') return;
    prefix = parse.prefixBytes;
  }
  throw new Error('the requests never ended');
});

test('a file that ends anywhere inside its header or its data is refused as truncated or past its end', () => {
  const bytes = file({ metadata: EVERY_SCALAR });
  const codes = new Set<string>();
  for (let length = 0; length < bytes.length; length++) codes.add(refusal(bytes.subarray(0, length)).code);
  expect([...codes].sort()).toEqual(['past-end-of-file', 'truncated']);
});

test.each<[string, Uint8Array, { code: string; field: string }]>([
  ['wrong magic', new Uint8Array(64).fill(0x50), { code: 'bad-magic', field: 'magic' }],
  ['version 1', file({ version: 1 }), { code: 'unsupported-version', field: 'version' }],
  ['big-endian', file({ version: 0x03000000 }), { code: 'unsupported-version', field: 'version' }],
  ['huge tensor count', file({ forcedTensorCount: 2n ** 63n }), { code: 'limit-exceeded', field: 'tensor_count' }],
  ['huge key count', file({ forcedEntryCount: 2n ** 40n }), { code: 'limit-exceeded', field: 'metadata_kv_count' }],
  ['more tensors than described', file({ forcedTensorCount: 9_000n }), { code: 'bad-dimensions', field: 'tensor[""].n_dimensions' }],
  ['huge key length', withValue(() => undefined).fill(255, 24, 32), { code: 'limit-exceeded', field: 'metadata[0].key.length' }],
  ['unknown value type', withValue((out) => out.u32(13)), { code: 'unknown-value-type', field: 'metadata["key"].type' }],
  ['huge string', withValue((out) => out.u32(8).u64(2n ** 62n)), { code: 'limit-exceeded', field: 'metadata["key"].length' }],
  ['string past the file', withValue((out) => out.u32(8).u64(1000n)), { code: 'truncated', field: 'metadata["key"]' }],
  ['invalid UTF-8', withValue((out) => out.u32(8).u64(2n).bytes(Uint8Array.of(0xc3, 0x28))), { code: 'bad-utf8', field: 'metadata["key"]' }],
  ['nested array', withValue((out) => out.u32(9).u32(9).u64(1n)), { code: 'nested-array', field: 'metadata["key"]' }],
  ['unknown element type', withValue((out) => out.u32(9).u32(99)), { code: 'unknown-value-type', field: 'metadata["key"].element.type' }],
  ['huge array', withValue((out) => out.u32(9).u32(0).u64(2n ** 33n)), { code: 'limit-exceeded', field: 'metadata["key"].count' }],
  ['array past the file', withValue((out) => out.u32(9).u32(8).u64(1_000_000n)), { code: 'truncated', field: 'metadata["key"]' }],
  ['a boolean of 2', withValue((out) => out.u32(7).bytes(Uint8Array.of(2))), { code: 'bad-value', field: 'metadata["key"]' }],
  ['duplicate key', file({ metadata: [EVERY_SCALAR[0], EVERY_SCALAR[0]].flatMap((entry) => entry ?? []) }), { code: 'duplicate', field: 'metadata["u8"]' }],
  ['duplicate tensor', file({ tensors: [tensor('a'), tensor('a')] }), { code: 'duplicate', field: 'tensor["a"]' }],
  ['alignment of 24', file({ alignment: 24 }), { code: 'bad-value', field: 'general.alignment' }],
  ['alignment of 2^20', file({ metadata: [{ key: 'general.alignment', type: 'UINT32', value: 2 ** 20 }] }), { code: 'bad-value', field: 'general.alignment' }],
  ['alignment as text', file({ metadata: [{ key: 'general.alignment', type: 'STRING', value: '32' }] }), { code: 'bad-value', field: 'general.alignment' }],
  ['no dimensions', file({ tensors: [tensor('a', { dims: [] })] }), { code: 'bad-dimensions', field: 'tensor["a"].n_dimensions' }],
  ['five dimensions', file({ tensors: [tensor('a', { dims: [1, 1, 1, 1, 1] })] }), { code: 'bad-dimensions', field: 'tensor["a"].n_dimensions' }],
  ['a zero dimension', file({ tensors: [tensor('a', { dims: [8, 0] })] }), { code: 'bad-dimensions', field: 'tensor["a"].dimensions[1]' }],
  ['a dimension of 2^63', file({ tensors: [tensor('a', { dims: [2n ** 63n] })] }), { code: 'bad-dimensions', field: 'tensor["a"].dimensions[0]' }],
  ['a product past 2^64', file({ tensors: [tensor('a', { dims: [2 ** 30, 2 ** 30, 2 ** 30] })] }), { code: 'bad-dimensions', field: 'tensor["a"].dimensions' }],
  ['a row of half a block', file({ tensors: [tensor('a', { type: 'Q4_1', dims: [48, 2] })] }), { code: 'bad-dimensions', field: 'tensor["a"].dimensions[0]' }],
  ['an unsupported block format', file({ tensors: [tensor('a', { type: 'IQ2_XXS', dims: [256] })] }), { code: 'unsupported-quantisation', field: 'tensor["a"].type' }],
  ['an unknown tensor type', file({ tensors: [tensor('a', { type: 4_000_000_000 })] }), { code: 'unsupported-quantisation', field: 'tensor["a"].type' }],
  ['a misaligned tensor', file({ tensors: [tensor('a', { forcedOffset: 8n })] }), { code: 'misaligned', field: 'tensor["a"].offset' }],
  ['overlapping tensors', file({ tensors: [tensor('a'), tensor('b', { forcedOffset: 32n })] }), { code: 'overlap', field: 'tensor["b"].offset' }],
  ['a tensor past the end', file({ tensors: [tensor('a', { forcedOffset: 32n })] }), { code: 'past-end-of-file', field: 'tensor["a"].offset' }],
  ['an offset near 2^64', file({ tensors: [tensor('a', { forcedOffset: 2n ** 64n - 32n })] }), { code: 'past-end-of-file', field: 'tensor["a"].offset' }],
  ['a long tensor name', file({ tensors: [tensor('x'.repeat(65))] }), { code: 'limit-exceeded', field: 'tensor[0].name.length' }],
])('%s is refused with the field named', (_, bytes, expected) => {
  expect(refusal(bytes)).toEqual(expected);
});

test('more array elements than the whole budget are refused although each array is allowed', () => {
  const array = new Array<number>(1_000_000).fill(0);
  const metadata = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, type: 'UINT8' as const, array }));
  expect(refusal(file({ metadata }))).toEqual({ code: 'limit-exceeded', field: 'metadata["e"].count' });
});

test('the reader never asks for more than the header limit, whatever the file claims', () => {
  const bytes = withValue((out) => out.u32(9).u32(8).u64(1_000_000n));
  const parse = parseGguf(bytes, 2 ** 40);
  expect(parse.kind === 'more' && parse.prefixBytes).toBeLessThanOrEqual(64 * 1024 * 1024);
  expect(refusal(file({ forcedTensorCount: 16_384n, forcedEntryCount: 0n, tensors: [] }), 2 ** 40).code).toBe('bad-dimensions');
});

test('a hostile name is cut and escaped before it enters a message', () => {
  const name = `\u0007${'x'.repeat(60)}`;
  const bytes = file({ tensors: [tensor(name, { dims: [0] })] });
  expect(() => parseGguf(bytes, bytes.length)).toThrowErrorMatchingInlineSnapshot(`[GgufError: GGUF tensor["\\u0007xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"].dimensions[0]: bad-dimensions (value 0, limit 2147483647). The file is damaged or forged; fetch it again.]`);
  const key = 'k'.repeat(5_000);
  const long = file({ metadata: [{ key, type: 'UINT8', value: 1 }, { key, type: 'UINT8', value: 1 }] });
  expect(refusal(long).field.length).toBeLessThan(120);
});
