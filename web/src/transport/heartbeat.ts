import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { FRAME_HEADER_BYTES } from '@ciro/core/protocol/limits.ts';
import type { JobId } from '@ciro/core/ids.ts';

/** Sent when nothing else was for a while. Heartbeats belong to no job. */
export const HEARTBEAT = encodeFrame({ kind: 'heartbeat', job: '0'.repeat(32) as JobId, planVersion: 0, position: 0, count: 0, acceptedTo: 0, stage: 0, payload: new Uint8Array(0) });

/** Whether a whole frame is one. Throws ProtocolError for a short frame that is none at all. */
export const isHeartbeat = (frame: Uint8Array): boolean => frame.length === FRAME_HEADER_BYTES && decodeFrame(frame).kind === 'heartbeat';
