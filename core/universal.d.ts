/**
 * The two platform globals that core may use: text to bytes and back is the same pure function in every window,
 * worker and Node (WHATWG Encoding, https://encoding.spec.whatwg.org/). Anything else has to be passed in.
 */
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
