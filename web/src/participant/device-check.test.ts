import { describe, expect, it } from 'vitest';
import { missingCapability } from './device-check.ts';

describe('missingCapability', () => {
  const whole = { isSecureContext: true, crypto: { subtle: {} }, RTCPeerConnection: {}, WebAssembly: {}, Worker: {} };
  it('finds nothing missing in a current browser', () => expect(missingCapability(whole)).toBeUndefined());
  it('names plain HTTP first, because browsers hide the rest there', () => expect(missingCapability({ isSecureContext: false })).toBe('insecure-context'));
  it('names WebRTC where it is switched off', () => expect(missingCapability({ ...whole, RTCPeerConnection: undefined })).toBe('no-webrtc'));
});
