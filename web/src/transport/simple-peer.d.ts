/** The part of simple-peer 9.11 that peer-link.ts uses. The prebuilt file needs no shims for Node's globals. */
declare module 'simple-peer/simplepeer.min.js' {
  interface SimplePeerOptions {
    initiator: boolean;
    trickle: boolean;
    /** Replaces the package's default, which would ask Google's and Twilio's STUN servers. */
    config: RTCConfiguration;
    /** Passed to createDataChannel; left out, the channel is ordered and reliable. */
    channelConfig?: RTCDataChannelInit;
  }

  interface SimplePeerEvents {
    signal: (data: { type: string }) => void;
    connect: () => void;
    data: (chunk: Uint8Array | string) => void;
    error: (error: Error & { code?: string }) => void;
    close: () => void;
  }

  export default class SimplePeer {
    static readonly WEBRTC_SUPPORT: boolean;
    constructor(options: SimplePeerOptions);
    on<Name extends keyof SimplePeerEvents>(name: Name, listener: SimplePeerEvents[Name]): this;
    signal(data: object): void;
    /** Straight to the data channel: no queue of its own. Throws when closed. */
    send(chunk: Uint8Array): void;
    destroy(error?: Error): void;
    /** `bufferedAmount` of the data channel. */
    readonly bufferSize: number;
    readonly destroyed: boolean;
    /** Not documented, needed for the low watermark and the statistics; the version is pinned. */
    readonly _channel: RTCDataChannel | null;
    readonly _pc: RTCPeerConnection | null;
  }
}
