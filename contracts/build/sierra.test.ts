import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { BuildError } from './build-error.ts';
import { branchTargets, compress, decompress, repair } from './sierra.ts';

const { sierra_program: raw } = v.parse(v.object({ sierra_program: v.array(v.string()) }), JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', 'counter.sierra.json'), 'utf8')));
const valuesOf = (program: readonly string[]): bigint[] => decompress(program.slice(6).map(BigInt));

describe('compression', () => {
  it('gives back any values, whatever the size of their code book', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 1n << 250n), { maxLength: 700 }), (values) => {
        expect(decompress(compress(values))).toEqual(values);
      }),
      { numRuns: 60, seed: 6 },
    );
  });

  it('refuses felts that are no compression', () => {
    expect(() => decompress([1n, 255n])).toThrow(BuildError);
    expect(() => decompress([2n, 254n, 7n, 8n, 3n, 0n, 9n].slice(0, 4))).toThrow('ends too early');
    expect(() => decompress([1n, 255n, 7n, 40n, 0n])).toThrow('values are missing');
    expect(() => decompress([1n, 255n, 7n, 2n, 0x0900n])).toThrow('not in its code book');
    expect(() => decompress([1n, 2n, 7n, 2n, 0n])).toThrow('1 of 3 entries');
  });
});

describe('repair', () => {
  const before = valuesOf(raw);
  const { program, fixed } = repair(raw);
  const after = valuesOf(program);

  it('widens every 32-bit fall-through', () => {
    expect(fixed).toBeGreaterThan(10);
    expect(branchTargets(after).filter((at) => after[at] === 0xffff_ffff_ffff_ffffn)).toHaveLength(fixed);
    expect(branchTargets(after).filter((at) => after[at] === 0xffff_ffffn)).toEqual([]);
  });

  it('leaves everything else as it is, a real 0xffffffff and the versions included', () => {
    const targets = new Set(branchTargets(before));
    expect(after.filter((_, at) => !targets.has(at))).toEqual(before.filter((_, at) => !targets.has(at)));
    expect(after.filter((value) => value === 0xffff_ffffn).length).toBeGreaterThan(0);
    expect(program.slice(0, 6)).toEqual(raw.slice(0, 6));
  });

  it('does nothing the second time', () => {
    expect(repair(program)).toEqual({ program, fixed: 0 });
  });

  it('refuses a program that does not come back from its own decompression, or does not end where its functions do', () => {
    const [codes = 0, padding = 0] = raw.slice(6, 8).map(Number);
    const unused = [...raw.slice(0, 6), codes + 1, padding - 1, ...raw.slice(8, 8 + codes), 12_345, ...raw.slice(8 + codes)].map(String);
    expect(() => repair(unused)).toThrow('does not come back');
    expect(() => repair([...raw.slice(0, 6), ...compress([...before, 1n]).map((felt) => `0x${felt.toString(16)}`)])).toThrow(/end at \d+ of \d+/);
    expect(() => repair(raw.slice(0, -1))).toThrow('values are missing');
  });
});
