/**
 * sin and cos that give the same bits in every browser: only + - * / and Math.floor, all exact by IEEE 754.
 * `Math.sin` and `Math.cos` differ between engines in the last bit, and a RoPE table that differs splits arbiters.
 *
 * Method: fdlibm (Sun Microsystems 1993, s_sin.c, s_cos.c, k_sin.c, k_cos.c): Cody-Waite reduction by pi/2 in three
 * parts of 33 bits, then minimax polynomials on [-pi/4, pi/4]. Error < 1 ulp for |x| <= MAX_ANGLE_RADIANS.
 */

/** Largest |x| that is reduced exactly: n = round(x / (pi/2)) must fit in 20 bits so that n * part (33 bits) is exact. */
export const MAX_ANGLE_RADIANS = 1_647_099;

const TWO_OVER_PI = 6.36619772367581382433e-1;
const PIO2_1 = 1.57079632673412561417;
const PIO2_2 = 6.07710050630396597660e-11;
const PIO2_3 = 2.02226624871116645580e-21;
/** pi/2 - (PIO2_1 + PIO2_2 + PIO2_3). */
const PIO2_3_TAIL = 8.47842766036889956997e-32;
const PIO4 = 7.85398163397448309616e-1;

const S1 = -1.66666666666666324348e-1;
const S2 = 8.33333333332248946124e-3;
const S3 = -1.98412698298579493134e-4;
const S4 = 2.75573137070700676789e-6;
const S5 = -2.50507602534068634195e-8;
const S6 = 1.58969099521155010221e-10;

const C1 = 4.16666666666666019037e-2;
const C2 = -1.38888888888741095749e-3;
const C3 = 2.48015872894767294178e-5;
const C4 = -2.75573143513906633035e-7;
const C5 = 2.08757232129817482790e-9;
const C6 = -1.13596475577881948265e-11;

/** Sine of `x` radians. Error < 1 ulp. Throws RangeError when |x| > MAX_ANGLE_RADIANS or x is not a number. */
export function sin(x: number): number {
  return sinOfQuarterTurns(x, 0);
}

/** Cosine of `x` radians. Error < 1 ulp. Throws RangeError when |x| > MAX_ANGLE_RADIANS or x is not a number. */
export function cos(x: number): number {
  return sinOfQuarterTurns(x, 1);
}

/** sin(x + quarterTurns * pi/2). */
function sinOfQuarterTurns(x: number, quarterTurns: number): number {
  const magnitude = x < 0 ? -x : x;
  if (!(magnitude <= MAX_ANGLE_RADIANS)) {
    throw new RangeError(`angle ${x} is outside ±${MAX_ANGLE_RADIANS}; reduce the position or the RoPE base`);
  }
  let turns = 0;
  let high = x;
  let low = 0;
  if (magnitude > PIO4) {
    turns = Math.floor(x * TWO_OVER_PI + 0.5);
    // Each subtraction keeps the bits that the previous one rounded away; two parts suffice except near multiples of pi/2.
    const first = x - turns * PIO2_1;
    const second = first - turns * PIO2_2;
    const secondError = first - second - turns * PIO2_2;
    const third = second - turns * PIO2_3;
    const thirdError = second - third - turns * PIO2_3;
    const tail = turns * PIO2_3_TAIL - thirdError - secondError;
    high = third - tail;
    low = third - high - tail;
  }
  const quadrant = (((turns + quarterTurns) % 4) + 4) % 4;
  const value = quadrant % 2 === 0 ? kernelSin(high, low) : kernelCos(high, low);
  return quadrant >= 2 ? -value : value;
}

/** sin(x + y) for |x| <= pi/4 and y the rounding tail of x. */
function kernelSin(x: number, y: number): number {
  const z = x * x;
  const w = z * z;
  const r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6);
  const v = z * x;
  return x - (z * (0.5 * y - v * r) - y - v * S1);
}

/** cos(x + y) for |x| <= pi/4 and y the rounding tail of x. */
function kernelCos(x: number, y: number): number {
  const z = x * x;
  const w = z * z;
  const r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
  const half = 0.5 * z;
  const one = 1 - half;
  return one + (1 - one - half + (z * r - x * y));
}
