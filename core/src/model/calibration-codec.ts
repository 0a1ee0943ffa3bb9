import { ModelError } from './model-error.ts';
import type { CalibrationTable } from './manifest.ts';
import { HIDDEN_MAX, LAYERS_MAX } from './model-limits.ts';

/*
 * Layout, little-endian:
 *   0  4  "CCAL"
 *   4  2  calibration version
 *   6  2  boundaries, = layers + 2
 *   8  4  channels a boundary, = hidden
 *  12  1  tau exponent (int8)
 *  13  1  tau exponent at position 0 (int8)
 *  14  1  delta exponent (int8)
 *  15  1  zero
 *  16  n  exponents, int8, boundary by boundary; n = boundaries * hidden
 *  16+n n the same for position 0
 */
const MAGIC = 0x4c414343;
const HEADER_BYTES = 16;
const BOUNDARIES_MIN = 3;
const BOUNDARIES_MAX = LAYERS_MAX + 2;
const VERSION_MAX = 65_535;

function refuse(field: string, value: unknown, expected: string): never {
  throw new ModelError('bad-calibration', `Calibration table: ${field} is ${String(value)}, expected ${expected}. Import the model again.`, {
    fault: 'peer',
    fields: { field, value, expected },
  });
}

/** Bytes of a table. Throws ModelError `bad-calibration` when its arrays don't fit its sizes. */
export function encodeCalibration(table: CalibrationTable): Uint8Array {
  const count = table.exponents.length;
  const boundaries = count / table.hidden;
  if (!Number.isInteger(boundaries) || boundaries < BOUNDARIES_MIN || boundaries > BOUNDARIES_MAX) {
    refuse('exponents.length', count, `${BOUNDARIES_MIN} to ${BOUNDARIES_MAX} rows of ${table.hidden}`);
  }
  if (table.exponentsAtZero.length !== count) refuse('exponentsAtZero.length', table.exponentsAtZero.length, String(count));
  if (!Number.isInteger(table.version) || table.version < 1 || table.version > VERSION_MAX) refuse('version', table.version, `1 to ${VERSION_MAX}`);
  const bytes = new Uint8Array(HEADER_BYTES + 2 * count);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, table.version, true);
  view.setUint16(6, boundaries, true);
  view.setUint32(8, table.hidden, true);
  view.setInt8(12, tauExponent('tauExponent', table.tauExponent));
  view.setInt8(13, tauExponent('tauExponentAtZero', table.tauExponentAtZero));
  view.setInt8(14, inRange('deltaExponent', table.deltaExponent, DELTA_EXPONENT_MIN, DELTA_EXPONENT_MAX));
  const exponents = new Int8Array(bytes.buffer, HEADER_BYTES);
  exponents.set(table.exponents);
  exponents.set(table.exponentsAtZero, count);
  return bytes;
}

/** The table in these bytes. Throws ModelError `bad-calibration` naming the field for anything `encodeCalibration` wouldn't write. */
export function decodeCalibration(bytes: Uint8Array): CalibrationTable {
  if (bytes.length < HEADER_BYTES) refuse('length', bytes.length, `at least ${HEADER_BYTES} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC) refuse('magic', `0x${magic.toString(16)}`, `0x${MAGIC.toString(16)}`);
  const version = view.getUint16(4, true);
  if (version < 1) refuse('version', version, 'at least 1');
  const boundaries = view.getUint16(6, true);
  if (boundaries < BOUNDARIES_MIN || boundaries > BOUNDARIES_MAX) refuse('boundaries', boundaries, `${BOUNDARIES_MIN} to ${BOUNDARIES_MAX}`);
  const hidden = view.getUint32(8, true);
  if (hidden < 1 || hidden > HIDDEN_MAX) refuse('hidden', hidden, `1 to ${HIDDEN_MAX}`);
  if (view.getUint8(15) !== 0) refuse('reserved', view.getUint8(15), '0');
  const count = boundaries * hidden;
  if (bytes.length !== HEADER_BYTES + 2 * count) refuse('length', bytes.length, `${HEADER_BYTES + 2 * count} bytes`);
  return {
    version,
    hidden,
    exponents: Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, count)),
    exponentsAtZero: Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES + count, count)),
    tauExponent: tauExponent('tauExponent', view.getInt8(12)),
    tauExponentAtZero: tauExponent('tauExponentAtZero', view.getInt8(13)),
    deltaExponent: inRange('deltaExponent', view.getInt8(14), DELTA_EXPONENT_MIN, DELTA_EXPONENT_MAX),
  };
}

/** Finer than float32's 24 bits means nothing; coarser than a quarter of the scale would let anything pass. */
const TAU_EXPONENT_MIN = -24;
const TAU_EXPONENT_MAX = -2;

/** Finer than float32 holds at logits of 1; above 256 logits every id would be ambiguous. */
const DELTA_EXPONENT_MIN = -24;
const DELTA_EXPONENT_MAX = 8;

const tauExponent = (field: string, value: number): number => inRange(field, value, TAU_EXPONENT_MIN, TAU_EXPONENT_MAX);

function inRange(field: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) refuse(field, value, `${least} to ${most}`);
  return value;
}
