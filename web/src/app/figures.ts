import { formatCredits } from '@ciro/core/units.ts';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const twoDecimals = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** `1,234` */
export const formatCount = (count: number): string => whole.format(count);

/** `47 MB`, decimal as downloads are sold; one decimal below 10. */
export function formatBytes(bytes: number): string {
  const [unit, size] = bytes < 1e6 ? ['kB', bytes / 1e3] : bytes < 1e9 ? ['MB', bytes / 1e6] : ['GB', bytes / 1e9];
  return `${(size < 10 ? oneDecimal : whole).format(size)} ${unit}`;
}

/** `1 GiB`: memory comes in powers of two. */
export function formatMemory(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes < 1024 ? `${whole.format(mebibytes)} MiB` : `${oneDecimal.format(mebibytes / 1024)} GiB`;
}

/** `28.4`, whole above 100. */
export const formatRate = (perSecond: number): string => (perSecond < 100 ? oneDecimal : whole).format(perSecond);

/** `0.38 s`, `7.9 ms`, `2 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 100) return `${oneDecimal.format(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${twoDecimals.format(milliseconds / 1_000)} s`;
  return milliseconds < 90_000 ? `${whole.format(milliseconds / 1_000)} s` : `${whole.format(milliseconds / 60_000)} min`;
}

/** Base units as credits, `1,857.25`: two decimals and no false zero, so that what is not nothing never shows as 0. */
export function formatAmount(baseUnits: bigint): string {
  const [credits = '0', fraction] = formatCredits(baseUnits, 2).split('.');
  if (credits === '0' && fraction === undefined && baseUnits > 0n) return `< ${twoDecimals.format(0.01)}`;
  const decimals = fraction === undefined ? '' : twoDecimals.format(Number(`0.${fraction}`)).slice(1);
  return `${whole.format(BigInt(credits))}${decimals}`;
}

/** First digits of a node id: enough to tell the tabs of one answer apart. */
export const shortId = (nodeId: string): string => nodeId.slice(0, 6);

/** `layers 10–19`: people count what is there, so the last layer is named, not the one after it. */
export const formatLayers = ([from, to]: readonly [number, number]): string => (to - from === 1 ? `layer ${from}` : `layers ${from}–${to - 1}`);

/** A share as a percentage: whole numbers above ten. */
export const formatShare = (share: number): string => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;
