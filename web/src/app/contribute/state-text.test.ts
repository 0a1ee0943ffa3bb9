import { describe, expect, it } from 'vitest';
import { stateText } from './state-text.ts';
import type { ContributionState } from '../../participant/contribution-state.ts';

const STATES: readonly ContributionState[] = [
  { kind: 'idle' },
  { kind: 'unsupported', reason: 'insecure-context' },
  { kind: 'connecting', again: false },
  { kind: 'connecting', again: true },
  { kind: 'measuring' },
  { kind: 'waiting', why: 'placement' },
  { kind: 'waiting', why: 'spare' },
  { kind: 'waiting', why: 'standby', standby: [10, 20], loaded: false, loadedBytes: 9_400_000, totalBytes: 22_000_000 },
  { kind: 'waiting', why: 'standby', standby: [10, 20], loaded: true, loadedBytes: 22_000_000, totalBytes: 22_000_000 },
  { kind: 'loading', layers: [10, 20], loadedBytes: 9_400_000, totalBytes: 22_000_000 },
  { kind: 'ready', layers: [10, 20] },
  { kind: 'serving', layers: [10, 20], jobs: 2 },
  { kind: 'paused', reason: 'battery' },
  { kind: 'paused', reason: 'hidden' },
  { kind: 'stopped' },
  { kind: 'restarting', why: 'stuck', onWasm: false },
  { kind: 'restarting', why: 'device-lost', onWasm: false },
  { kind: 'restarting', why: 'device-lost', onWasm: true },
  { kind: 'restarting', why: 'out-of-memory', onWasm: false },
  { kind: 'restarting', why: 'crashed', onWasm: false },
  { kind: 'error', code: 'x', message: 'the engine did not start', todo: 'Choose the other engine.' },
];

describe('stateText', () => {
  it('has words for every state, and different ones wherever the reason differs', () => {
    const texts = STATES.map(stateText);
    expect(texts.every(({ title, detail }) => title.length > 3 && /[.]$/.test(detail))).toBe(true);
    expect(new Set(texts.map(({ detail }) => detail)).size).toBe(STATES.length);
  });

  it('says the reason of an error and what to do', () => {
    expect(stateText(STATES.at(-1) ?? { kind: 'idle' })).toEqual({ mood: 'bad', title: 'Stopped by a problem', detail: 'The engine did not start. Choose the other engine.' });
  });

  it('says how far a download is', () => {
    expect(stateText(STATES[9] ?? { kind: 'idle' }).detail).toBe('Fetching layers 10–19: 9.4 MB of 22 MB.');
    expect(stateText(STATES[7] ?? { kind: 'idle' }).detail).toContain('9.4 MB of 22 MB');
  });

  it('says what a spare stands by with, and what for', () => {
    expect(stateText(STATES[8] ?? { kind: 'idle' })).toEqual({ mood: 'resting', title: 'Standing by', detail: 'Standing by with layers 10–19: this tab takes them over at once when the one that serves them leaves.' });
  });
});
