/** Links over which one worker gives at a time: each carries at most WEIGHTS_WINDOW_CHUNKS, so that 1 MiB can stand before its own rows when a job begins. */
export const MAX_GIVES = 2;
/** Links for weights at a time, a quarter of all that are introduced. */
export const MAX_WEIGHTS_LINKS = 256;
/** A direct route opens within a second or not at all; ICE itself gives up after ten. */
export const WEIGHTS_OPEN_MS = 12_000;
/** The longest that one such link stays: 1 GB at 15 Mbit/s. Who needs more asks again. */
export const WEIGHTS_LINK_MS = 10 * 60_000;
/** Two that could not reach each other are not brought together again for this long; who could not load is tried again sooner, with others. */
export const UNREACHABLE_MS = 10 * 60_000;
/** Remembered pairs and givers; the oldest are forgotten first. */
export const MAX_REMEMBERED = 4_096;
/** Requests for neighbours at once and per second: one when a range is loaded, one each half minute while it lasts, one at its end. */
export const WANTED_BURST = 8;
export const WANTED_PER_SECOND = 0.2;
/** Workers that complain of a giver, without proof, before it is named no more: one may be a liar, and each must have had a link to it. */
export const COMPLAINTS_BELIEVED = 3;
