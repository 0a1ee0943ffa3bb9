import { describe, expect, it } from 'vitest';
import { isMetered, isMobile, missingCapability } from './device-check.ts';

describe('missingCapability', () => {
  const whole = { isSecureContext: true, crypto: { subtle: {} }, RTCPeerConnection: {}, WebAssembly: {}, Worker: {} };
  it('finds nothing missing in a current browser', () => expect(missingCapability(whole)).toBeUndefined());
  it('names plain HTTP first, because browsers hide the rest there', () => expect(missingCapability({ isSecureContext: false })).toBe('insecure-context'));
  it('names WebRTC where it is switched off', () => expect(missingCapability({ ...whole, RTCPeerConnection: undefined })).toBe('no-webrtc'));
});

describe('isMobile', () => {
  const of = (userAgent: string, maxTouchPoints = 0, mobile = false) => isMobile({ userAgent, maxTouchPoints, userAgentData: { mobile } });
  it('knows phones and tablets by what browsers tell, an iPad that says it is a Mac by its screen', () => {
    expect(of('Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/142.0 Mobile Safari/537.36')).toBe(true);
    expect(of('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1')).toBe(true);
    expect(of('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15', 5)).toBe(true);
    expect(of('Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36', 0, true)).toBe(true);
  });
  it('takes no laptop for one, whatever its screen', () => {
    expect(of('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15')).toBe(false);
    expect(of('Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36', 10)).toBe(false);
    expect(isMobile({ userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', maxTouchPoints: 0 })).toBe(false);
  });
});

it('a line is paid by the byte where the browser says so: on a phone network, or where its person saves data', () => {
  const of = (connection?: object) => isMetered({ ...(connection && { connection }) });
  expect([of({ saveData: true }), of({ type: 'cellular' }), of({ saveData: false, type: 'wifi' }), of({}), of()]).toEqual([true, true, false, false, false]);
});
