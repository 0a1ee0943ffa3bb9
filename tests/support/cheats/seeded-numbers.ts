/** Numbers that depend on a seed alone: a cheat that was measured once is measured again bit for bit. */
export interface SeededNumbers {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Whole number in [0, below). */
  below(limit: number): number;
  /** Near enough to a normal distribution of mean 0 and variance 1: the sum of twelve uniform numbers less six. */
  normal(): number;
}

/** A 32-bit mixer (mulberry32, public domain) over a counter; `name` keeps the streams of one seed apart. */
export function seededNumbers(seed: number, name = ''): SeededNumbers {
  let state = seed | 0;
  for (let i = 0; i < name.length; i++) state = (Math.imul(state, 31) + name.charCodeAt(i)) | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    below: (limit) => Math.floor(uniform() * limit),
    normal: () => {
      let sum = -6;
      for (let term = 0; term < 12; term++) sum += uniform();
      return sum;
    },
  };
}
