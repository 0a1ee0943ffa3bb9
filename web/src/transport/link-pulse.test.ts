import { LINK_HEARTBEAT_MS, LINK_SILENT_MS } from '@ciro/core/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { LinkPulse } from './link-pulse.ts';
import { LINK_IDLE_AFTER_MS, LINK_IDLE_SILENT_MS } from './transport-limits.ts';

/** Ticks as a visible page would, from `from` to `to`; gives the first action that is not wanted nothing. */
function tickTo(pulse: LinkPulse, from: number, to: number, step = LINK_HEARTBEAT_MS) {
  for (let now = from + step; now <= to; now += step) {
    const action = pulse.tick(now);
    if (action.kind === 'silent') return { ...action, now };
  }
  return undefined;
}

describe('LinkPulse', () => {
  it('L4: asks for a heartbeat only when nothing else was sent for LINK_HEARTBEAT_MS', () => {
    const pulse = new LinkPulse(0);
    expect(pulse.tick(LINK_HEARTBEAT_MS).kind).toBe('beat');
    pulse.sent(600, true);
    expect(pulse.tick(1_000).kind).toBe('nothing');
    expect(pulse.tick(1_100).kind).toBe('beat');
  });

  it('L4: reports a neighbour that falls silent in the middle of work within LINK_SILENT_MS and one tick', () => {
    const pulse = new LinkPulse(0);
    pulse.sent(100, true);
    pulse.heard(100, true);
    const silent = tickTo(pulse, 0, 10_000);
    expect(silent?.now).toBeLessThanOrEqual(100 + LINK_SILENT_MS + LINK_HEARTBEAT_MS);
  });

  it('L4: does not take the silence for idleness where a busy page judged too late for some ticks', () => {
    const pulse = new LinkPulse(0);
    pulse.heard(100, true);
    for (const now of [500, 1_000, 1_500, 3_500, 5_500]) expect(pulse.tick(now).kind).not.toBe('silent');
    expect(pulse.tick(6_000)).toEqual({ kind: 'silent', forMs: 5_900 });
  });

  it('L4: gives an idle neighbour longer', () => {
    const pulse = new LinkPulse(0);
    expect(tickTo(pulse, 0, LINK_IDLE_SILENT_MS)).toBeUndefined();
    expect(tickTo(pulse, LINK_IDLE_SILENT_MS, LINK_IDLE_SILENT_MS + 2_000)).toBeDefined();
  });

  it('is content with heartbeats, in a hidden page that ticks once a second too', () => {
    const pulse = new LinkPulse(0);
    for (let now = 1_000; now < 60_000; now += 1_000) {
      pulse.heard(now - 10, false);
      expect(pulse.tick(now).kind).not.toBe('silent');
    }
  });

  it('does not blame the neighbour for a time in which this page itself was suspended', () => {
    const pulse = new LinkPulse(0);
    pulse.heard(500, true);
    pulse.tick(500);
    expect(pulse.tick(60_000).kind).toBe('beat');
    pulse.heard(60_001, false);
    expect(pulse.tick(60_500).kind).not.toBe('silent');
  });

  it('does report it when nothing comes after the suspension either', () => {
    const pulse = new LinkPulse(0);
    pulse.tick(500);
    pulse.tick(60_000);
    expect(pulse.tick(60_500)).toEqual({ kind: 'silent', forMs: 60_500 });
    expect(LINK_IDLE_AFTER_MS).toBeLessThan(60_000);
  });
});
