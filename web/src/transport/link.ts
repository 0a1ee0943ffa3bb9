import type { LinkError } from './link-error.ts';

/** How bytes get to the neighbour: `relay` when either end goes through a TURN server. */
export type LinkRoute = 'direct' | 'relay' | 'unknown';

/** STUN or TURN server, as the welcome names it. */
export interface IceServer {
  readonly urls: string;
  readonly username?: string | undefined;
  readonly credential?: string | undefined;
}

export interface LinkStats {
  readonly route: LinkRoute;
  /** Round-trip time of the selected candidate pair in milliseconds, 0 when the browser does not say. */
  readonly rttMs: number;
}

/** What a link tells its owner. `onClosed` comes once and last; without an error the other side or we closed it on purpose. */
export interface LinkEvents {
  onSignal(payload: string): void;
  onOpen(): void;
  /** One whole frame, alone in its buffer: it can be transferred. */
  onFrame(frame: Uint8Array<ArrayBuffer>): void;
  onClosed(error: LinkError | undefined): void;
}

/** A connection to one neighbour that carries whole frames in order. */
export interface Link {
  /** JSON text of SDP or ICE from the other side. */
  signal(payload: string): void;
  /** Queues a frame; closes the link with `queue-full` when MAX_SEND_QUEUE_BYTES are waiting already. */
  send(frame: Uint8Array): void;
  stats(): Promise<LinkStats>;
  close(): void;
}

export interface LinkSetup {
  readonly initiator: boolean;
  readonly iceServers: readonly IceServer[];
}

export type OpenLink = (setup: LinkSetup, events: LinkEvents) => Link;
