/**
 * Cairo's core library, which the native runner of tests compiles against. The registry of Rust has the compiler's crates without it; wasm-cairo
 * carries the files of its own version as constants of its program. They are read from there, and held against a checksum.
 */
import { createHash } from 'node:crypto';
import { BuildError } from './build-error.ts';

/** SHA-256 over all files of the core library of wasm-cairo 0.10.2, Cairo 2.8.2, as `checksumOf` takes it. */
export const CORELIB_SHA256 = '43a3bec348206752beca7c7027c5ef044fff402b8b405dc52e5fbbd8b8d16560';

/** Texts by their paths below `corelib/src`. */
export type Corelib = ReadonlyMap<string, string>;

const CODE_SECTION = 10;
const DATA_SECTION = 11;
const I32_CONST = 0x41;
/** Where the list of paths begins: they stand one after the other, sorted. */
const FIRST_PATHS = 'array.cairoboolean.cairo';
/** Bytes of the function that lists paths, then lengths and places of the texts; it has 28 kB. */
const FUNCTION_BYTES = 40_000;
/** The longest text has 101 kB. */
const MOST_BYTES = 400_000;

/** @throws BuildError `no-corelib` when this is not the wasm-cairo whose core library is known */
export function corelibIn(wasm: Uint8Array): Corelib {
  const corelib = textsIn(sectionsOf(wasm));
  const sha256 = checksumOf(corelib);
  if (sha256 !== CORELIB_SHA256) {
    throw new BuildError('no-corelib', `The core library in wasm-cairo has SHA-256 ${sha256} (${corelib.size} files), not ${CORELIB_SHA256}. Install the pinned version with \`npm ci\`; for another one, contracts/build/corelib.ts has to be looked at again.`, { fault: 'platform', fields: { sha256, files: corelib.size } });
  }
  return corelib;
}

function textsIn({ memory, code }: ReturnType<typeof sectionsOf>): Corelib {
  const pathsAt = memory.indexOf(FIRST_PATHS);
  if (pathsAt === -1) return new Map();
  const paths = [...memory.toString('latin1', pathsAt, pathsAt + FUNCTION_BYTES).matchAll(/[a-z0-9_/]+?\.cairo/gy)].map(([path]) => path);
  const textsAt = pathsAt + paths.join('').length;
  const start = code.indexOf(Buffer.from([I32_CONST, ...signedLeb(pathsAt)]));
  const constants = constantsIn(code.subarray(Math.max(0, start), start + FUNCTION_BYTES));

  // The program names the text of the last path first, then those of the others in their order; a length stands before its place.
  const order = [...paths.slice(-1), ...paths.slice(0, -1)];
  const places = new Map<number, number>();
  for (const [index, place] of constants.entries()) {
    const length = constants[index - 1] ?? 0;
    if (place >= textsAt && place < memory.length && length > 0 && length < MOST_BYTES && !places.has(place) && places.size < order.length) places.set(place, length);
  }
  const texts = [...places].map(([place, length]) => memory.toString('utf8', place, place + length));
  return new Map(order.flatMap((path, index) => (texts[index] === undefined ? [] : [[path, texts[index]] as const])).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Over each path with its text, in the order of the paths. */
export function checksumOf(corelib: Corelib): string {
  const hash = createHash('sha256');
  for (const [path, text] of corelib) hash.update(`${path}\0${Buffer.byteLength(text)}\0${text}`);
  return hash.digest('hex');
}

/** A module's memory as it is at its start, and its functions' code. */
function sectionsOf(wasm: Uint8Array): { readonly memory: Buffer; readonly code: Buffer } {
  const bytes = Buffer.from(wasm.buffer, wasm.byteOffset, wasm.byteLength);
  let code: Buffer = Buffer.alloc(0);
  let memory: Buffer = Buffer.alloc(0);
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const [size, from] = leb(bytes, at + 1);
    if (id === CODE_SECTION) code = bytes.subarray(from, from + size);
    if (id === DATA_SECTION) memory = memoryOf(bytes, from);
    at = from + size;
  }
  return { memory, code };
}

/** Active segments of memory 0 with a constant place: what compilers write. */
function memoryOf(bytes: Buffer, from: number): Buffer {
  const segments: { readonly place: number; readonly data: Buffer }[] = [];
  let [count, at] = leb(bytes, from);
  for (; count > 0; count -= 1) {
    const [place, afterPlace] = signed(bytes, at + 2);
    const [length, start] = leb(bytes, afterPlace + 1);
    segments.push({ place, data: bytes.subarray(start, start + length) });
    at = start + length;
  }
  const memory = Buffer.alloc(Math.max(0, ...segments.map(({ place, data }) => place + data.length)));
  for (const { place, data } of segments) data.copy(memory, place);
  return memory;
}

/** Values of whatever looks like `i32.const`, in their order. */
function constantsIn(code: Buffer): number[] {
  const found: number[] = [];
  for (let at = code.indexOf(I32_CONST); at !== -1 && at < code.length - 5; at = code.indexOf(I32_CONST, at + 1)) found.push(signed(code, at + 1)[0]);
  return found;
}

/** An unsigned LEB128 and the place after it. */
function leb(bytes: Buffer, from: number): [number, number] {
  let value = 0;
  for (let at = from, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at + 1];
  }
}

/** A signed LEB128 and the place after it. */
function signed(bytes: Buffer, from: number): [number, number] {
  const [value, after] = leb(bytes, from);
  const bits = 7 * (after - from);
  return [value >= 2 ** (bits - 1) ? value - 2 ** bits : value, after];
}

function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const byte = rest & 0x7f;
    if (rest >> 7 === 0 && (byte & 0x40) === 0) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}
