import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { exp, log, pow } from './exponential.ts';
import { cos, MAX_ANGLE_RADIANS, sin } from './trigonometry.ts';

const Vectors = v.object({
  origin: v.string(),
  cases: v.array(v.object({ fn: v.picklist(['sin', 'cos', 'exp', 'log', 'pow']), args_hex: v.array(v.string()), y_hex: v.string() })),
});
const { cases } = v.parse(Vectors, JSON.parse(readFileSync(new URL('../../vectors/numeric.json', import.meta.url), 'utf8')));

const functions = { sin, cos, exp, log, pow: (x: number, y = 0) => pow(x, y) };

function fromBits(hex: string): number {
  return Buffer.from(hex, 'hex').readDoubleBE();
}

/** Distance in units of the last place; both finite and of one sign. */
function ulps(a: number, b: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(a, b).buffer);
  const distance = (bits[0] ?? 0n) - (bits[1] ?? 0n);
  return distance < 0n ? -distance : distance;
}

test.each(['sin', 'cos', 'exp', 'log', 'pow'] as const)('%s is within 1 ulp of the correctly rounded vectors', (fn) => {
  const own = cases.filter((item) => item.fn === fn);
  expect(own.length).toBeGreaterThan(100);
  for (const { args_hex, y_hex } of own) {
    const [x = 0, y] = args_hex.map(fromBits);
    const value = functions[fn](x, y);
    expect(ulps(value, fromBits(y_hex)), `${fn}(${x}, ${y}) = ${value}, expected ${fromBits(y_hex)}`).toBeLessThanOrEqual(1n);
  }
});

test('S2: exp and log are exact at their ends', () => {
  expect([exp(0), exp(-1000), exp(1000), exp(NaN)]).toEqual([1, 0, Infinity, NaN]);
  expect([log(1), log(0), log(-1), log(Infinity)]).toEqual([0, -Infinity, NaN, Infinity]);
  expect([pow(100000, 1), pow(7, 0), pow(2, -1074)]).toEqual([100000, 1, 5e-324]);
});

test('arguments that cannot be reduced exactly are refused', () => {
  expect(() => sin(MAX_ANGLE_RADIANS * 2)).toThrowError(/angle/);
  expect(() => cos(NaN)).toThrowError(/angle/);
  expect(() => pow(-1, 2)).toThrowError(/positive/);
});
