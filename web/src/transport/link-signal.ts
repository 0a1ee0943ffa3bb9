import { MAX_SIGNAL_BYTES } from '@ciro/core/protocol/limits.ts';
import * as v from 'valibot';
import { LinkError } from './link-error.ts';

const Text = v.pipe(v.string(), v.maxLength(MAX_SIGNAL_BYTES));

const Description = v.object({ type: v.picklist(['offer', 'answer']), sdp: Text });
const Candidate = v.object({
  type: v.literal('candidate'),
  candidate: v.object({
    candidate: Text,
    sdpMLineIndex: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(16))),
    sdpMid: v.nullish(v.pipe(v.string(), v.maxLength(64))),
  }),
});
const LinkSignal = v.variant('type', [Description, Candidate]);

/** SDP or one ICE candidate. Renegotiation is not in it: a link carries one data channel from its first offer on. */
export type LinkSignal = v.InferOutput<typeof LinkSignal>;

/** The signal in a payload that the coordinator passed on unread; throws LinkError `bad-signal`. */
export function parseLinkSignal(payload: string): LinkSignal {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (cause) {
    throw new LinkError('bad-signal', `signal of ${payload.length} characters is not JSON`, { fault: 'peer', cause });
  }
  const result = v.safeParse(LinkSignal, value, { abortEarly: true });
  if (!result.success) throw new LinkError('bad-signal', `signal: ${v.getDotPath(result.issues[0]) ?? 'value'}: ${result.issues[0].message}`, { fault: 'peer' });
  return result.output;
}
