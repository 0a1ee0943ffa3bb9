import * as v from 'valibot';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** An epoch became claimable (SPEC Y7): whoever has earned something looks whether it is in it. */
export const EpochClaimable = v.strictObject({ type: v.literal('epoch-claimable'), epoch: v.pipe(Count, v.minValue(1)) });
/** This worker wants a ticket for the account of its own identity; no other can be asked for (SPEC Y7). */
export const SponsorWanted = v.strictObject({ type: v.literal('sponsor-wanted') });
/** Good for one action of the account that this worker's identity owns (SPEC Y1). */
export const SponsorTicket = v.strictObject({ type: v.literal('sponsor-ticket'), ticket: v.pipe(v.string(), v.regex(/^[0-9]{1,12}\.[0-9a-f]{32}\.[0-9a-f]{64}$/)) });
/** `no-sponsor`: nobody pays for actions here. `too-many`: this worker had its share of tickets. */
export const SPONSOR_REFUSALS = ['no-sponsor', 'too-many'] as const;
export const SponsorRefused = v.strictObject({
  type: v.literal('sponsor-refused'),
  code: v.picklist(SPONSOR_REFUSALS),
  message: v.pipe(v.string(), v.maxLength(500)),
  /** Milliseconds until asking again may help; null where it never does. */
  retryAfterMs: v.nullable(Count),
});
/** What comes back for `sponsor-wanted`. */
export type SponsorAnswer = v.InferOutput<typeof SponsorTicket> | v.InferOutput<typeof SponsorRefused>;
