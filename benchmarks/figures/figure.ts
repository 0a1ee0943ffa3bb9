/** One line of the table: what was measured on what, the middle of it, and every value. */
export type FigureRow = Readonly<{ figure: string; of: string; median: number; unit: string; raw: string }>;

/** Middle value; of an even number the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Digits after the point that a raw value keeps: a millionth of a second, a kilobyte. */
const RAW_DIGITS = 3;

/** The row of a figure with its raw values, in the order in which they were measured. */
export function figureRow(figure: string, of: string, unit: string, values: readonly number[]): FigureRow {
  return { figure, of, median: median(values), unit, raw: values.map((value) => Number(value.toFixed(RAW_DIGITS))).join(' ') };
}

/** Bytes as the megabytes of the bars: 10^6. */
export const megabytes = (bytes: number): number => bytes / 1e6;
