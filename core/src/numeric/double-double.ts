/**
 * Unevaluated sums of two float64 (about 106 bits), after Dekker 1971 and Hida, Li, Bailey 2001.
 * No fused multiply-add: products are split, so every engine gives the same bits.
 */
export interface DoubleDouble {
  readonly high: number;
  readonly low: number;
}

/** 2^27 + 1, Veltkamp's splitter for 53-bit significands. */
const SPLITTER = 134217729;

/** a + b exactly. */
function sumOf(a: number, b: number): DoubleDouble {
  const high = a + b;
  const shadow = high - a;
  return { high, low: a - (high - shadow) + (b - shadow) };
}

/** a * b exactly, for |a|, |b| < 2^996. */
function productOf(a: number, b: number): DoubleDouble {
  const high = a * b;
  const a1 = SPLITTER * a - (SPLITTER * a - a);
  const a2 = a - a1;
  const b1 = SPLITTER * b - (SPLITTER * b - b);
  const b2 = b - b1;
  return { high, low: a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2 };
}

/** x + (high + low). */
export function add(x: DoubleDouble, high: number, low: number): DoubleDouble {
  const heads = sumOf(x.high, high);
  const tails = sumOf(x.low, low);
  const middle = sumOf(heads.high, heads.low + tails.high);
  return sumOf(middle.high, middle.low + tails.low);
}

/** x * y. */
export function multiply(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const product = productOf(x.high, y.high);
  return sumOf(product.high, product.low + (x.high * y.low + x.low * y.high));
}

/** x * y for a plain number y. */
export function multiplyByNumber(x: DoubleDouble, y: number): DoubleDouble {
  return multiply(x, { high: y, low: 0 });
}

/** x / y by two correction steps. */
export function divide(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const first = x.high / y.high;
  const back = multiplyByNumber(y, -first);
  const rest = add(x, back.high, back.low);
  const second = rest.high / y.high;
  const again = multiplyByNumber(y, -second);
  const third = add(rest, again.high, again.low).high / y.high;
  const quotient = sumOf(first, second);
  return sumOf(quotient.high, quotient.low + third);
}
