/**
 * exp, log and pow that give the same bits in every browser: only + - * /, Math.floor and exact exponent fields.
 * exp and log follow fdlibm (Sun Microsystems 1993, e_exp.c, e_log.c; error < 1 ulp); pow goes through double-doubles.
 */
import { add, divide, multiply, multiplyByNumber } from './double-double.ts';
import type { DoubleDouble } from './double-double.ts';

const LN2_HIGH = 6.93147180369123816490e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const INVERSE_LN2 = 1.44269504088896338700;

const P1 = 1.66666666666666019037e-1;
const P2 = -2.77777777770155933842e-3;
const P3 = 6.61375632143793436117e-5;
const P4 = -1.65339022054652515390e-6;
const P5 = 4.13813679705723846039e-8;

const LG1 = 6.666666666666735130e-1;
const LG2 = 3.999999999940941908e-1;
const LG3 = 2.857142874366239149e-1;
const LG4 = 2.222219843214978396e-1;
const LG5 = 1.818357216161805012e-1;
const LG6 = 1.531383769920937332e-1;
const LG7 = 1.479819860511658591e-1;

/** Above this exp overflows float64, below -745.13… it is zero (fdlibm's o_threshold and u_threshold). */
const EXP_OVERFLOW = 7.09782712893383973096e2;
const EXP_UNDERFLOW = -7.45133219101941108420e2;

const SQRT_HALF = 0.70710678118654752440;
/** ln 2 as a double-double, for pow. */
const LN2: DoubleDouble = { high: 0.6931471805599453, low: 2.3190468138462996e-17 };
/** Series lengths that leave a remainder under 2^-75: atanh at |s| <= 0.1716, exp at |r| <= 0.3466. */
const ATANH_TERMS = 16;
const EXP_TERMS = 20;

const field = new DataView(new ArrayBuffer(8));

/** e^x. Error < 1 ulp; +Infinity above 709.78, 0 below -745.13, NaN for NaN. */
export function exp(x: number): number {
  if (x !== x) return x;
  if (x > EXP_OVERFLOW) return Infinity;
  if (x < EXP_UNDERFLOW) return 0;
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
  return scaleByPowerOfTwo(1 - (low - (r * c) / (2 - c) - high), k);
}

/** Natural logarithm. Error < 1 ulp; -Infinity at 0, NaN below 0. */
export function log(x: number): number {
  if (x !== x || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return x;
  const { mantissa, exponent } = split(x);
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const r = w * (LG2 + w * (LG4 + w * LG6)) + z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)));
  const half = 0.5 * f * f;
  return exponent * LN2_HIGH - (half - (s * (half + r) + exponent * LN2_LOW) - f);
}

/** base^exponent for base > 0. Error < 0.51 ulp inside the normal range. Throws RangeError for base <= 0 or not finite arguments. */
export function pow(base: number, exponent: number): number {
  if (!(base > 0) || base === Infinity || !(exponent - exponent === 0)) {
    throw new RangeError(`pow(${base}, ${exponent}) is outside the supported range; base must be positive and both finite`);
  }
  const product = multiplyByNumber(logOf(base), exponent);
  if (product.high > EXP_OVERFLOW) return Infinity;
  if (product.high < EXP_UNDERFLOW) return 0;
  return expOf(product);
}

/** log(x) as a double-double: 2 atanh((m-1)/(m+1)) + k ln 2. */
function logOf(x: number): DoubleDouble {
  const { mantissa, exponent } = split(x);
  const s = divide(add({ high: mantissa, low: 0 }, -1, 0), add({ high: mantissa, low: 0 }, 1, 0));
  const z = multiply(s, s);
  let sum: DoubleDouble = { high: 0, low: 0 };
  for (let term = ATANH_TERMS; term >= 0; term--) {
    const coefficient = divide({ high: 1, low: 0 }, { high: 2 * term + 1, low: 0 });
    sum = multiply(sum, z);
    sum = add(sum, coefficient.high, coefficient.low);
  }
  const mantissaLog = multiply(sum, { high: 2 * s.high, low: 2 * s.low });
  const whole = multiplyByNumber(LN2, exponent);
  return add(whole, mantissaLog.high, mantissaLog.low);
}

/** e^(high + low), rounded once. */
function expOf(x: DoubleDouble): number {
  const k = Math.floor(x.high * INVERSE_LN2 + 0.5);
  const whole = multiplyByNumber(LN2, -k);
  const r = add(x, whole.high, whole.low);
  let sum: DoubleDouble = { high: 1, low: 0 };
  for (let term = EXP_TERMS; term >= 1; term--) {
    sum = divide(multiply(sum, r), { high: term, low: 0 });
    sum = add(sum, 1, 0);
  }
  return scaleByPowerOfTwo(sum.high + sum.low, k);
}

/** x = mantissa * 2^exponent with mantissa in [sqrt(1/2), sqrt(2)). */
function split(x: number): { mantissa: number; exponent: number } {
  let bias = -1023;
  field.setFloat64(0, x);
  if (field.getUint32(0) < 0x00100000) {
    // Subnormal: bring it into the normal range first.
    field.setFloat64(0, x * 18014398509481984);
    bias -= 54;
  }
  const head = field.getUint32(0);
  field.setUint32(0, (head & 0x000fffff) | 0x3fe00000);
  const mantissa = field.getFloat64(0);
  const exponent = (head >>> 20) + bias + 1;
  return mantissa < SQRT_HALF ? { mantissa: mantissa * 2, exponent: exponent - 1 } : { mantissa, exponent };
}

/** x * 2^k, in two exact steps so that subnormal results round once. */
function scaleByPowerOfTwo(x: number, k: number): number {
  if (k > 1023) return x * 2 * powerOfTwo(k - 1);
  if (k < -1022) return x * powerOfTwo(k + 54) * 5.551115123125783e-17;
  return x * powerOfTwo(k);
}

/** 2^k for -1022 <= k <= 1023. */
function powerOfTwo(k: number): number {
  field.setUint32(0, (k + 1023) << 20);
  field.setUint32(4, 0);
  return field.getFloat64(0);
}
