import { BOUNDS_MARGIN_S, MAX_VALIDITY_S } from './chain-limits.ts';
import { refuse } from './relayer-error.ts';
import type { BuildRequest } from './wire.ts';

/**
 * Seconds between which an action may be executed, both exclusive. `chainTime` is the newest block's and `now` our clock: on a chain that makes
 * blocks only when it has transactions the newest one may be old, so the later of the two is the present.
 */
export function timeBounds(asked: BuildRequest['bounds'], chainTime: number, now: number, validity: number): { readonly after: number; readonly before: number; readonly lastsS: number } {
  const present = Math.max(chainTime, now);
  if (asked === undefined) return { after: Math.min(chainTime, now) - BOUNDS_MARGIN_S, before: present + validity, lastsS: validity };
  const { after, before } = asked;
  if (after >= before) throw refuse('invalid-time-bounds', `execute_after ${after} is not before execute_before ${before}`);
  if (before <= present) throw refuse('invalid-time-bounds', `execute_before ${before} is over: chain time is ${chainTime}; give a later one`);
  if (before > present + MAX_VALIDITY_S) throw refuse('invalid-time-bounds', `execute_before ${before} is more than ${MAX_VALIDITY_S} s after chain time ${chainTime}; give an earlier one`);
  if (after >= Math.min(chainTime, now)) throw refuse('invalid-time-bounds', `execute_after ${after} is not before chain time ${chainTime}; nothing is kept here for later: leave it out`);
  return { after, before, lastsS: before - present };
}
