import * as v from 'valibot';
import { RELAY_PIECE_BYTES, RELAY_WINDOW_BYTES } from './limits.ts';

const LinkName = v.pipe(v.string(), v.maxLength(64));
/** MessagePack's binary arrives as an ArrayBuffer in browsers and as a Buffer in Node. */
const Bytes = v.union([v.instance(Uint8Array), v.pipe(v.instance(ArrayBuffer), v.transform((buffer) => new Uint8Array(buffer)))]);

/** The next bytes of a frame over a relayed link; `last` ends the frame. Passed on unread, in order (SPEC L3). */
export const RelayPiece = v.strictObject({
  type: v.literal('relay'),
  link: LinkName,
  last: v.boolean(),
  bytes: v.pipe(Bytes, v.check((bytes) => bytes.length > 0 && bytes.length <= RELAY_PIECE_BYTES, `expected 1 to ${RELAY_PIECE_BYTES} bytes`)),
});
/** So many more bytes of the other end's were taken: it may send as many more. */
export const RelayTaken = v.strictObject({ type: v.literal('relay-taken'), link: LinkName, bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(RELAY_WINDOW_BYTES)) });

/** What crosses a relayed link, the same in both directions and on both sides of the coordinator. */
export type RelayMessage = v.InferOutput<typeof RelayPiece> | v.InferOutput<typeof RelayTaken>;
