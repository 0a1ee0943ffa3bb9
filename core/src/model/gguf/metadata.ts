import { GgufError, quoted } from './gguf-error.ts';
import type { GgufHeader, GgufValue } from './gguf-header.ts';

/** Bounds of a whole number read from metadata. */
export interface WholeNumberRange {
  readonly least: number;
  readonly most: number;
}

function field(key: string): string {
  return `metadata[${quoted(key)}]`;
}

function wrongKind(key: string, entry: GgufValue, expected: string): GgufError {
  return new GgufError('wrong-key-type', field(key), { type: entry.kind, expected });
}

function present(header: GgufHeader, key: string): GgufValue {
  const entry = header.metadata.get(key);
  if (entry === undefined) throw new GgufError('missing-key', field(key));
  return entry;
}

/** A key's text, or undefined when the key is absent. Throws GgufError when it holds something else. */
export function optionalText(header: GgufHeader, key: string): string | undefined {
  const entry = header.metadata.get(key);
  if (entry === undefined) return undefined;
  if (entry.kind !== 'string') throw wrongKind(key, entry, 'string');
  return entry.value;
}

/** A key's text. Throws GgufError when it is absent or something else. */
export function requiredText(header: GgufHeader, key: string): string {
  present(header, key);
  return optionalText(header, key) ?? '';
}

/** A key's number of any width, or undefined when the key is absent. Throws GgufError when it isn't a finite number. */
export function optionalNumber(header: GgufHeader, key: string): number | undefined {
  const entry = header.metadata.get(key);
  if (entry === undefined) return undefined;
  if (entry.kind !== 'number' && entry.kind !== 'wide') throw wrongKind(key, entry, 'number');
  const value = Number(entry.value);
  if (!Number.isFinite(value)) throw new GgufError('bad-value', field(key), { value, expected: 'a finite number' });
  return value;
}

/** A whole number within bounds, or undefined when the key is absent. Throws GgufError when it is anything else. */
export function optionalWholeNumber(header: GgufHeader, key: string, range: WholeNumberRange): number | undefined {
  const value = optionalNumber(header, key);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < range.least || value > range.most) {
    throw new GgufError('bad-value', field(key), { value, expected: `a whole number, ${range.least} to ${range.most}` });
  }
  return value;
}

/** A whole number within bounds. Throws GgufError when it is absent or anything else. */
export function requiredWholeNumber(header: GgufHeader, key: string, range: WholeNumberRange): number {
  present(header, key);
  return optionalWholeNumber(header, key, range) ?? 0;
}

/** A key's boolean, or undefined when the key is absent. Throws GgufError when it holds something else. */
export function optionalBoolean(header: GgufHeader, key: string): boolean | undefined {
  const entry = header.metadata.get(key);
  if (entry === undefined) return undefined;
  if (entry.kind !== 'bool') throw wrongKind(key, entry, 'bool');
  return entry.value;
}

/** A list of texts. Throws GgufError when it is absent or something else. */
export function requiredTexts(header: GgufHeader, key: string): readonly string[] {
  const entry = present(header, key);
  if (entry.kind !== 'strings') throw wrongKind(key, entry, 'array of strings');
  return entry.values;
}

/** A list of numbers, or undefined when the key is absent. Throws GgufError when it holds something else. */
export function optionalNumbers(header: GgufHeader, key: string): Float64Array | undefined {
  const entry = header.metadata.get(key);
  if (entry === undefined) return undefined;
  if (entry.kind !== 'numbers') throw wrongKind(key, entry, 'array of numbers');
  return entry.values;
}
