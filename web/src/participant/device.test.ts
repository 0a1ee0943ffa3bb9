import { describe, expect, it } from 'vitest';
import { agentText } from './agent-text.ts';
import { volunteerOptions } from './automation.ts';
import { missingCapability } from './device-check.ts';
import { likelyBytes, manifestSizes, rangeBytes } from './download-estimate.ts';
import { defaultMemoryBudget } from './memory-budget.ts';

const MIB = 1024 * 1024;

describe('agentText', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36', 'Chromium 156, Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/157.0.0.0 Safari/537.36 Edg/157.0.0.0', 'Edge 157, Windows'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:160.0) Gecko/20100101 Firefox/160.0', 'Firefox 160, macOS'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/27.2 Mobile/15E148 Safari/604.1', 'Safari 27, iOS'],
    ['curl/8', 'Browser, unknown system'],
  ])('shortens %s', (userAgent, text) => {
    expect(agentText(userAgent)).toBe(text);
  });
});

describe('volunteerOptions', () => {
  it('reads the hash that the operator\'s volunteers are opened with', () => {
    expect(volunteerOptions(`#volunteer=1&engine=wasm&memory=${700 * MIB}`, 8)).toEqual({ engine: 'wasm', memoryBudgetBytes: 700 * MIB, pauseOnBattery: false, pauseWhenHidden: false });
  });

  it('is asked for by volunteer=1 only', () => {
    expect(volunteerOptions('', 8)).toBeUndefined();
    expect(volunteerOptions('#chat', 8)).toBeUndefined();
    expect(volunteerOptions('#volunteer=0&engine=wasm', 8)).toBeUndefined();
  });

  it.each(['engine=cuda', 'memory=-1', 'memory=1e99', 'memory=x', 'memory=1'])('falls back to the default for %s', (field) => {
    expect(volunteerOptions(`#volunteer=1&${field}`, 8)).toMatchObject({ engine: 'auto', memoryBudgetBytes: 1024 * MIB });
  });
});

describe('missingCapability', () => {
  const whole = { isSecureContext: true, crypto: { subtle: {} }, RTCPeerConnection: {}, WebAssembly: {}, Worker: {} };
  it('finds nothing missing in a current browser', () => expect(missingCapability(whole)).toBeUndefined());
  it('names plain HTTP first, because browsers hide the rest there', () => expect(missingCapability({ isSecureContext: false })).toBe('insecure-context'));
  it('names WebRTC where it is switched off', () => expect(missingCapability({ ...whole, RTCPeerConnection: undefined })).toBe('no-webrtc'));
});

describe('defaultMemoryBudget', () => {
  it.each([[undefined, 1024], [1, 512], [2, 512], [4, 1024], [8, 1024], [32, 1024]])('of a device of %s GiB is %s MiB', (gib, mib) => {
    expect(defaultMemoryBudget(gib)).toBe(mib * MIB);
  });
});

describe('download estimate', () => {
  const layers = Array.from({ length: 30 }, (_, index) => ({ name: `layer-${index}`, bytes: 2 }));
  const model = (tiedHead: boolean) => ({ name: 'tiny', architecture: { layers: 30, tiedHead }, shards: [{ name: 'embedding', bytes: 30 }, ...layers, { name: 'head', bytes: 1 }] });

  it('counts the embedding for the first range, and for the last one when the head is tied to it', () => {
    expect(rangeBytes(model(true), 0, 10)).toBe(50);
    expect(rangeBytes(model(true), 10, 20)).toBe(20);
    expect(rangeBytes(model(true), 20, 30)).toBe(51);
    expect(rangeBytes(model(false), 20, 30)).toBe(21);
    expect(rangeBytes(model(true), 0, 30)).toBe(91);
  });

  it('states the heaviest of the usual ranges', () => {
    expect(likelyBytes(model(true))).toBe(51);
    expect(likelyBytes(model(true), 1)).toBe(91);
  });

  it('takes nothing for a manifest that is none', () => {
    expect(manifestSizes({ name: 'x', architecture: { layers: 0, tiedHead: true }, shards: [] })).toBeUndefined();
    expect(manifestSizes('<html>')).toBeUndefined();
    expect(manifestSizes(model(true))?.shards).toHaveLength(32);
  });
});
