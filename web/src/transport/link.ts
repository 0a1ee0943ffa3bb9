import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import type { LinkError } from './link-error.ts';

/** How bytes get to the neighbour: `turn` when either end goes through a TURN server, `relay` through the coordinator. */
export type LinkRoute = 'direct' | 'turn' | 'relay' | 'unknown';

/** STUN or TURN server, as `connect` names it. */
export interface IceServer {
  readonly urls: string;
  readonly username?: string | undefined;
  readonly credential?: string | undefined;
}

export interface LinkStats {
  readonly route: LinkRoute;
  /** Round-trip time in milliseconds, 0 where it is not known: of the selected candidate pair, or of bytes through the coordinator. */
  readonly rttMs: number;
  /** Share of the browser's own probes that got no answer in the last minute; undefined where it is not known. */
  readonly loss?: number | undefined;
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

/** A link through the coordinator: what it sends for the other end comes in here. */
export interface RelayedLink extends Link {
  receive(message: RelayMessage): void;
}

export interface LinkSetup {
  readonly initiator: boolean;
  readonly iceServers: readonly IceServer[];
  /** Tells the neighbour no address of this device: only routes over TURN are looked for (SPEC L5). */
  readonly relayOnly: boolean;
}

export type OpenLink = (setup: LinkSetup, events: LinkEvents) => Link;
/** `send` hands a message for the other end to the coordinator. */
export type OpenRelayedLink = (link: string, send: (message: RelayMessage) => void, events: LinkEvents) => RelayedLink;
