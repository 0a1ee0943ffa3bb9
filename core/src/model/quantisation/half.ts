/** 2^(e-25) for each exponent field: the unit of a 10-bit mantissa. Written as repeated doubling, which is exact. */
const MANTISSA_UNITS = new Float64Array(32);
for (let exponent = 1, unit = 2 ** -24; exponent < 31; exponent++, unit *= 2) MANTISSA_UNITS[exponent] = unit;
MANTISSA_UNITS[0] = 2 ** -24;

/** The half-precision number with these 16 bits (IEEE 754 binary16), exactly; every one fits float32. */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  let magnitude: number;
  if (exponent === 31) magnitude = mantissa === 0 ? Infinity : NaN;
  else magnitude = (exponent === 0 ? mantissa : 1024 + mantissa) * (MANTISSA_UNITS[exponent] ?? 0);
  return (bits & 0x8000) === 0 ? magnitude : -magnitude;
}

/** Float32 bits, as an int32, of a half-precision number: same value, same sign of zero, same payload of a NaN. */
export function halfToFloat32Bits(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  // Subnormal: shift the leading one up to bit 10 and lower the exponent by as much.
  const shift = Math.clz32(mantissa) - 21;
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 1023) << 13);
}
