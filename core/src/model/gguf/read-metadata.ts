import { GgufError, quoted } from './gguf-error.ts';
import { ARRAY_ELEMENTS_MAX, KEY_BYTES_MAX, STRING_BYTES_MAX, TOTAL_ELEMENTS_MAX } from './gguf-limits.ts';
import type { ByteReader } from './byte-reader.ts';
import type { GgufNumberType, GgufValue } from './gguf-header.ts';

/** Value types by their number in the file. */
const VALUE_TYPES = [
  'UINT8', 'INT8', 'UINT16', 'INT16', 'UINT32', 'INT32', 'FLOAT32', 'BOOL', 'STRING', 'ARRAY', 'UINT64', 'INT64', 'FLOAT64',
] as const;
type ValueType = (typeof VALUE_TYPES)[number];

/** Least bytes one element takes: an array's count is checked against the file before its elements are read. */
const ELEMENT_BYTES_MIN: Record<Exclude<ValueType, 'ARRAY'>, number> = {
  UINT8: 1, INT8: 1, BOOL: 1, UINT16: 2, INT16: 2, UINT32: 4, INT32: 4, FLOAT32: 4, UINT64: 8, INT64: 8, FLOAT64: 8, STRING: 8,
};

/** How many array elements the header has used so far, over all its keys. */
interface ElementBudget {
  used: number;
}

/** Reads `entryCount` keys with their values. Throws GgufError naming the key. */
export function readMetadata(reader: ByteReader, entryCount: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  const budget: ElementBudget = { used: 0 };
  for (let index = 0; index < entryCount; index++) {
    const key = reader.text(`metadata[${index}].key`, KEY_BYTES_MAX);
    const field = `metadata[${quoted(key)}]`;
    if (metadata.has(key)) throw new GgufError('duplicate', field, { index });
    metadata.set(key, readValue(reader, field, readValueType(reader, field), budget));
  }
  return metadata;
}

function readValueType(reader: ByteReader, field: string): ValueType {
  const id = reader.u32(`${field}.type`);
  const type = VALUE_TYPES[id];
  if (type === undefined) throw new GgufError('unknown-value-type', `${field}.type`, { value: id });
  return type;
}

function readValue(reader: ByteReader, field: string, type: ValueType, budget: ElementBudget): GgufValue {
  switch (type) {
    case 'STRING':
      return { kind: 'string', value: reader.text(field, STRING_BYTES_MAX) };
    case 'BOOL':
      return { kind: 'bool', value: readBool(reader, field) };
    case 'UINT64':
      return { kind: 'wide', type, value: reader.u64(field) };
    case 'INT64':
      return { kind: 'wide', type, value: reader.i64(field) };
    case 'ARRAY':
      return readArray(reader, field, budget);
    default:
      return { kind: 'number', type, value: readNumber(reader, field, type) };
  }
}

function readArray(reader: ByteReader, field: string, budget: ElementBudget): GgufValue {
  const type = readValueType(reader, `${field}.element`);
  if (type === 'ARRAY') throw new GgufError('nested-array', field);
  const length = reader.count(`${field}.count`, ARRAY_ELEMENTS_MAX);
  budget.used += length;
  if (budget.used > TOTAL_ELEMENTS_MAX) {
    throw new GgufError('limit-exceeded', `${field}.count`, { totalElements: budget.used, limit: TOTAL_ELEMENTS_MAX });
  }
  // Before any allocation: the bytes must be there, so memory never exceeds a small multiple of what was read.
  reader.require(length * ELEMENT_BYTES_MIN[type], field);
  switch (type) {
    case 'STRING':
      return { kind: 'strings', values: readMany(length, () => reader.text(field, STRING_BYTES_MAX)) };
    case 'BOOL':
      return { kind: 'bools', values: readMany(length, () => readBool(reader, field)) };
    case 'UINT64':
      return { kind: 'wides', type, values: readMany(length, () => reader.u64(field)) };
    case 'INT64':
      return { kind: 'wides', type, values: readMany(length, () => reader.i64(field)) };
    default: {
      const values = new Float64Array(length);
      for (let index = 0; index < length; index++) values[index] = readNumber(reader, field, type);
      return { kind: 'numbers', type, values };
    }
  }
}

function readMany<T>(length: number, read: () => T): T[] {
  const values: T[] = [];
  for (let index = 0; index < length; index++) values.push(read());
  return values;
}

function readBool(reader: ByteReader, field: string): boolean {
  const value = reader.u8(field);
  if (value > 1) throw new GgufError('bad-value', field, { value, expected: '0 or 1' });
  return value === 1;
}

function readNumber(reader: ByteReader, field: string, type: GgufNumberType): number {
  switch (type) {
    case 'UINT8':
      return reader.u8(field);
    case 'INT8':
      return reader.i8(field);
    case 'UINT16':
      return reader.u16(field);
    case 'INT16':
      return reader.i16(field);
    case 'UINT32':
      return reader.u32(field);
    case 'INT32':
      return reader.i32(field);
    case 'FLOAT32':
      return reader.f32(field);
    case 'FLOAT64':
      return reader.f64(field);
  }
}
