/**
 * The felts of a Sierra program, and a repair that what wasm-cairo emits needs. That compiler runs on 32 bits and writes
 * `BranchTarget::Fallthrough` as its `usize::MAX`, 0xffffffff; nodes run on 64 bits and expect 0xffffffffffffffff.
 * The layout is that of cairo-lang-starknet-classes: `felt252_serde.rs` and `compression.rs`.
 */
import { BuildError } from './build-error.ts';

/** The field's prime: how many words of a size go into one felt. */
const PRIME = 2n ** 251n + 17n * 2n ** 192n + 1n;
/** Versions of Sierra and of the compiler, three numbers each, stand before what is compressed. */
const VERSION_FELTS = 6;
const FALLTHROUGH_32 = 0xffff_ffffn;
const FALLTHROUGH_64 = 0xffff_ffff_ffff_ffffn;
/** The smallest code book that the compression pads to. */
const LEAST_CODE_SIZE = 256;
/** A type's declaration keeps its flags above these bits of the length. */
const LENGTH_BITS = 128n;

export interface Repaired {
  /** The whole program, hex felts as a contract class has them. */
  readonly program: readonly string[];
  /** Branch targets that were widened. */
  readonly fixed: number;
}

/** Values behind a compressed list of felts. @throws BuildError `bad-sierra` */
export function decompress(felts: readonly bigint[]): bigint[] {
  let at = 0;
  const next = (): bigint => felts[at++] ?? fail('it ends too early');
  const codes = Number(next());
  const padded = codes + Number(next());
  const bits = Math.log2(padded);
  if (!Number.isSafeInteger(bits) || at + codes > felts.length) fail(`its code book has ${codes} of ${padded} entries`);
  const code = felts.slice(at, at + codes);
  at += codes;
  let left = Number(next());
  const perFelt = wordsPerFelt(padded);
  const values: bigint[] = [];
  for (; at < felts.length; at++) {
    let word = felts[at] ?? 0n;
    for (let k = Math.min(perFelt, left); k > 0; k--, left--) {
      values.push(code[Number(word & BigInt(padded - 1))] ?? fail('a code is not in its code book'));
      word >>= BigInt(bits);
    }
  }
  return left === 0 ? values : fail(`${left} values are missing`);
}

export function compress(values: readonly bigint[]): bigint[] {
  const code = new Map<bigint, bigint>();
  for (const value of values) if (!code.has(value)) code.set(value, BigInt(code.size));
  let padded = LEAST_CODE_SIZE;
  while (padded < code.size) padded *= 2;
  const bits = BigInt(Math.log2(padded));
  const perFelt = wordsPerFelt(padded);
  const words: bigint[] = [];
  for (let from = 0; from < values.length; from += perFelt) {
    words.push(values.slice(from, from + perFelt).reduceRight((word, value) => (word << bits) + (code.get(value) ?? 0n), 0n));
  }
  return [BigInt(code.size), BigInt(padded - code.size), ...code.keys(), BigInt(values.length), ...words];
}

/**
 * Widens every 32-bit fall-through of a program and nothing else: a real 0xffffffff among its constants stays what it is.
 * @param programHex felts of `sierra_program`
 * @throws BuildError `bad-sierra` when the untouched program does not come back byte for byte from its own decompression
 */
export function repair(programHex: readonly string[]): Repaired {
  const felts = programHex.map(BigInt);
  const head = felts.slice(0, VERSION_FELTS);
  const values = decompress(felts.slice(VERSION_FELTS));
  const again = [...head, ...compress(values)];
  if (again.length !== felts.length || again.some((felt, i) => felt !== felts[i])) fail('it does not come back from its own decompression, so this tool does not know its form');
  const targets = branchTargets(values).filter((at) => values[at] === FALLTHROUGH_32);
  for (const at of targets) values[at] = FALLTHROUGH_64;
  return { program: [...head, ...compress(values)].map((felt) => `0x${felt.toString(16)}`), fixed: targets.length };
}

/** Indexes of all branch targets, by walking types, libfuncs, statements and functions to the program's very end. */
export function branchTargets(values: readonly bigint[]): number[] {
  const targets: number[] = [];
  let at = 0;
  const take = (): bigint => values[at++] ?? fail('it ends within a declaration');
  const count = (): number => Number(take());
  const repeat = (times: number, each: () => void): void => {
    for (let k = 0; k < times; k++) each();
  };
  const skip = (length: number): void => void (at += length);

  repeat(count(), () => {
    take(); // generic type
    skip(2 * Number(take() & ((1n << LENGTH_BITS) - 1n))); // arguments, a kind and a value each
  });
  repeat(count(), () => {
    take(); // generic libfunc
    skip(2 * count());
  });
  repeat(count(), () => {
    const kind = count();
    if (kind === 1) return skip(count()); // return
    if (kind !== 0) fail(`statement of kind ${kind} at ${at}`);
    take(); // libfunc
    skip(count());
    repeat(count(), () => {
      targets.push(at++);
      skip(count());
    });
  });
  repeat(count(), () => {
    const parameters = count();
    skip(parameters);
    skip(count()); // types of what it returns
    skip(parameters + 1); // the parameters' variables, the entry point
  });
  return at === values.length ? targets : fail(`its declarations end at ${at} of ${values.length}`);
}

function wordsPerFelt(size: number): number {
  let words = 0;
  for (let most = BigInt(size); most < PRIME; most *= BigInt(size)) words += 1;
  return words;
}

function fail(why: string): never {
  throw new BuildError('bad-sierra', `This is no Sierra program that can be repaired: ${why}. wasm-cairo of another version than package.json pins may have another form.`, { fault: 'bug' });
}
