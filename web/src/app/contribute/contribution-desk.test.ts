import { describe, expect, it } from 'vitest';
import { EMPTY_VIEW, type ContributeOptions, type ParticipantView } from '../../participant/participant-view.ts';
import { ContributionDesk } from './contribution-desk.ts';
import type { Contributor } from '../../participant/contributor.ts';

const DEVICE = { isSecureContext: true, crypto: { subtle: {} }, RTCPeerConnection: {}, WebAssembly: {}, Worker: {} };
const MIB = 1024 * 1024;

function setup(change: { device?: Partial<typeof DEVICE>; kept?: Record<string, unknown>; broken?: boolean } = {}) {
  const kept = new Map<string, unknown>(Object.entries(change.kept ?? {}));
  const calls: (string | ContributeOptions)[] = [];
  let tell: (view: ParticipantView) => void = () => undefined;
  const participant: Contributor = {
    subscribe: (listener) => {
      tell = listener;
      return () => undefined;
    },
    contribute: (options) => Promise.resolve(void calls.push(options)),
    stop: () => calls.push('stop'),
    recentWork: () => Promise.resolve([]),
    findIdentity: () => Promise.resolve(calls.push('find identity') > 0),
    openPayout: () => Promise.reject(new Error('no chain')),
    claimNow: () => Promise.resolve(void calls.push('claim now')),
    exportIdentity: () => Promise.resolve('backup'),
    importIdentity: () => Promise.resolve(),
  };
  let loads = 0;
  const desk = new ContributionDesk({
    loadParticipant: () => {
      loads++;
      return change.broken === true ? Promise.reject(new TypeError('Failed to fetch dynamically imported module')) : Promise.resolve(participant);
    },
    settings: { read: (name) => Promise.resolve(kept.get(name)), keep: (name, value) => Promise.resolve(void kept.set(name, value)) },
    device: { ...DEVICE, ...change.device },
    deviceGib: 8,
  });
  return { desk, kept, calls, tell: (view: Partial<ParticipantView>) => tell({ ...EMPTY_VIEW, ...view }), loads: () => loads };
}

describe('ContributionDesk', () => {
  it('fetches nothing and starts nothing before it is told to', async () => {
    const { desk, loads } = setup();
    await desk.load();
    await desk.volunteer('#chat');
    expect(loads()).toBe(0);
    expect(desk.view.value.state.kind).toBe('idle');
  });

  it('says what is missing on this device before anybody agrees to anything', () => {
    const { desk } = setup({ device: { isSecureContext: false } });
    expect(desk.view.value.state).toEqual({ kind: 'unsupported', reason: 'insecure-context' });
  });

  it('contributes with the caps that were chosen, and finds them on the next visit', async () => {
    const { desk, kept, calls } = setup();
    desk.choose({ memoryBudgetBytes: 512 * MIB, pauseWhenHidden: true, relayOnly: true, keepAwake: true });
    await desk.contribute();
    expect(calls).toEqual([{ engine: 'auto', memoryBudgetBytes: 512 * MIB, pauseOnBattery: true, pauseWhenHidden: true, relayOnly: true, keepAwake: true }]);
    const next = setup({ kept: Object.fromEntries(kept) }).desk;
    await next.load();
    expect(next.options.value).toEqual(desk.options.value);
  });

  it('keeps caps that were chosen before there was relay-only', async () => {
    const { desk } = setup({ kept: { caps: { engine: 'wasm', memoryBudgetBytes: 512 * MIB, pauseOnBattery: false, pauseWhenHidden: true } } });
    await desk.load();
    expect(desk.options.value).toEqual({ engine: 'wasm', memoryBudgetBytes: 512 * MIB, pauseOnBattery: false, pauseWhenHidden: true, relayOnly: false, keepAwake: false });
  });

  it('ignores caps that make no sense', async () => {
    const { desk } = setup({ kept: { caps: { engine: 'cuda', memoryBudgetBytes: -1 }, 'bits-per-second': 'fast' } });
    await desk.load();
    expect(desk.options.value).toMatchObject({ engine: 'auto', memoryBudgetBytes: 1024 * MIB });
    expect(desk.bitsPerSecond.value).toBeUndefined();
  });

  it('contributes at once when the address asks for it', async () => {
    const { desk, calls } = setup();
    await desk.volunteer('#volunteer=1&engine=wasm');
    expect(calls).toEqual([expect.objectContaining({ engine: 'wasm', pauseOnBattery: false })]);
  });

  it('stops at once on the page, whatever the participant still does', async () => {
    const { desk, calls, tell } = setup();
    await desk.contribute();
    tell({ state: { kind: 'ready', layers: [0, 10] } });
    const stopping = desk.stop();
    expect(desk.view.value.state.kind).toBe('stopped');
    await stopping;
    expect(calls.at(-1)).toBe('stop');
  });

  it('measures the speed of a download, and states it the next time', async () => {
    const { desk, kept, tell } = setup();
    await desk.contribute();
    tell({ state: { kind: 'loading', layers: [0, 10], loadedBytes: 0, totalBytes: 5e6 } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    tell({ state: { kind: 'ready', layers: [0, 10] }, bytes: { downloaded: 5e6, cached: 0 } });
    expect(kept.get('bits-per-second')).toBe(desk.bitsPerSecond.value);
    expect(desk.bitsPerSecond.value).toBeGreaterThan(5e6);
  });

  it('measures the download of a spare that stands by, and none that was broken off', async () => {
    const { desk, kept, tell } = setup();
    await desk.contribute();
    const standby = { kind: 'waiting', why: 'standby', standby: [0, 10], loadedBytes: 0, totalBytes: 5e6 } as const;
    tell({ state: { ...standby, loaded: false } });
    tell({ state: { kind: 'waiting', why: 'spare' }, bytes: { downloaded: 5e6, cached: 0 } });
    expect(desk.bitsPerSecond.value).toBeUndefined();
    tell({ state: { ...standby, loaded: false } });
    tell({ state: { ...standby, loaded: true }, bytes: { downloaded: 5e6, cached: 0 } });
    expect(kept.get('bits-per-second')).toBe(desk.bitsPerSecond.value);
    expect(desk.bitsPerSecond.value).toBeGreaterThan(5e6);
  });

  it('explains a page whose other part could not be fetched, and tries again at the next click', async () => {
    const { desk, loads } = setup({ broken: true });
    await desk.contribute();
    expect(desk.view.value.state).toMatchObject({ kind: 'error', code: 'page-incomplete' });
    await desk.contribute();
    expect(loads()).toBe(2);
  });
});
